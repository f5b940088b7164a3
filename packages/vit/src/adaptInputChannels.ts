import type { HostTensor } from '@beit/tensors';

/** What filters are trained on: red, green, blue. */
const COLORS = 3;

/**
 * Filters of colour images for images of another number of channels: for one, gray, the sum over colours, so that a gray
 * image gives what its three equal colours gave; for others the colours again and again, and less of each, so that the sum
 * keeps its size. Reference: timm 1.0.31, `adapt_input_conv` of models/_manipulate.py.
 *
 * @param weight `[embedDim, 3, patchSize, patchSize]`
 * @returns `[embedDim, channels, patchSize, patchSize]`
 * @throws RangeError when the filters are of another number of channels than three, and than `channels`
 */
export function adaptInputChannels(weight: HostTensor, channels: number): HostTensor {
  const [filters, from, ...sides] = weight.shape as [number, number, number, number];
  if (from === channels) return weight;
  if (from !== COLORS)
    throw new RangeError(
      `Filters of ${from} channels cannot be brought to ${channels}; expected those of ${COLORS}, red, green and blue.`,
    );
  const area = sides[0] * sides[1];
  const source = weight.data as Float32Array;
  const data = new Float32Array(filters * channels * area);
  for (let filter = 0; filter < filters; filter++) {
    for (let i = 0; i < area; i++) {
      const of = (color: number) => source[(filter * COLORS + color) * area + i]!;
      for (let channel = 0; channel < channels; channel++) {
        data[(filter * channels + channel) * area + i] =
          channels === 1 ? of(0) + of(1) + of(2) : of(channel % COLORS) * (COLORS / channels);
      }
    }
  }
  return { dtype: 'float32', shape: [filters, channels, ...sides], data };
}
