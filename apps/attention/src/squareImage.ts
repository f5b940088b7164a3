import type { Picture } from '@beit/apps-shared/report';
import sharp from 'sharp';

/** `[size, size, 3]`, red, green, blue. */
export interface SquareImage {
  readonly size: number;
  readonly pixels: Uint8Array;
}

/** The middle of a picture, upright and on white. @throws with its path when it cannot be read */
export async function readSquare(path: string, size: number): Promise<SquareImage> {
  const pixels = await sharp(path)
    .rotate()
    .resize(size, size, { fit: 'cover' })
    .flatten({ background: 'white' })
    .toColourspace('srgb')
    .raw()
    .toBuffer()
    .catch((cause: Error) => {
      throw new Error(`Cannot read ${path}: ${cause.message}`, { cause });
    });
  if (pixels.length !== size * size * 3)
    throw new Error(`Cannot read ${path}: decoded to ${pixels.length / size / size} channels, expected 3.`);
  return { size, pixels };
}

export const toPicture = ({ size, pixels }: SquareImage): Picture => ({
  width: size,
  height: size,
  data: Float32Array.from(pixels, (value) => value / 255),
});

/** Without smoothing, so that pixels and patches can be told apart. */
export function enlarged({ size, pixels }: SquareImage, factor: number): SquareImage {
  const side = size * factor;
  const result = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const from = 3 * (Math.floor(y / factor) * size + Math.floor(x / factor));
      result.set(pixels.subarray(from, from + 3), 3 * (y * side + x));
    }
  return { size: side, pixels: result };
}
