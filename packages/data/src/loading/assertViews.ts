import type { ImageSize } from '@beit/tensors';
import type { Normalization } from '@beit/weights';

/** The sides of images by name, as `assertIntegers` takes them. */
export const sidesOf = (name: string, size: ImageSize, least: number): [string, number, number][] =>
  typeof size === 'number'
    ? [[name, size, least]]
    : [
        [`${name}[0]`, size[0], least],
        [`${name}[1]`, size[1], least],
      ];

/** @throws RangeError when there are not as many means as deviations, one or three, or a deviation is not above 0 */
export function assertNormalization(name: string, normalization: Normalization): void {
  const { mean, std } = normalization ?? {};
  const channels = mean?.length;
  const isComplete =
    (channels === 1 || channels === 3) && std?.length === channels && mean.every(Number.isFinite);
  if (!isComplete || !std.every((own) => own > 0 && Number.isFinite(own))) {
    throw new RangeError(
      `${name} is ${JSON.stringify(normalization)}; expected a mean and a std above 0 for each colour, or one for gray.`,
    );
  }
}
