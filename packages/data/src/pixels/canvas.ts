import { type Adjustment, adjust } from './adjust';
import { addresses, copyTo, type PixelKernels, pixelKernels } from './pixelKernels';
import type { Box, Pixels } from './pixels';
import { type ResampleFilter, resampleWeights } from './resampleWeights';

type Triple = readonly [number, number, number];

/** A square cut out of a canvas, in its memory: read it before the next one is made. */
export interface View {
  /** `[size, size, 4]`: red, green, blue, opacity. */
  bytes(): Uint8Array;
  /** Changes its colours. */
  adjust(adjustment: Adjustment): void;
  /** (x / 255 - mean) / std of the colours, written to `into`, `[size, size, 3]`. */
  normalized(mean: Triple, std: Triple, into: Float32Array): void;
  /** In [0, 1], written to `into`, `[size, size]`. */
  opacity(into: Float32Array): void;
}

/** An image in the memory of the pixel kernels, where it is changed and cut; valid until the next one is made. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** Whether all of it is opaque. */
  readonly opaque: boolean;
  /** `[height, width, 4]`: red, green, blue, opacity, in that memory; writing to it changes the image. */
  bytes(): Uint8Array;
  /** Changes the colours, one adjustment after the other. Above and below `rows` the result is not defined. */
  adjust(adjustments: readonly Adjustment[], rows?: Pick<Box, 'top' | 'height'>): void;
  /**
   * A crop at another size, as Pillow's `crop` and `resize`: across, then down, with bytes in between.
   *
   * @param flip mirrors left and right
   */
  view(box: Box, size: number, filter: ResampleFilter, flip?: boolean): View;
}

/** Pixels on a canvas; they are copied. */
export function createCanvas({ data, width, height, channels }: Pixels): Canvas {
  const kernels = pixelKernels();
  const pixels = width * height;
  const [image, free] = addresses(kernels, [4 * pixels, data.length]) as [number, number];
  if (channels === 4) copyTo(kernels, image, data);
  else {
    copyTo(kernels, free, data);
    kernels.pack(free, image, pixels);
  }
  return canvasAt(kernels, { image, free, width, height, opaque: channels === 3 });
}

/** An image that is in the kernels' memory; what begins at `free` the canvas may overwrite. */
export function canvasAt(
  kernels: PixelKernels,
  {
    image,
    free,
    width,
    height,
    opaque,
  }: { image: number; free: number; width: number; height: number; opaque: boolean },
): Canvas {
  const pixels = width * height;
  return {
    width,
    height,
    opaque,

    bytes: () => new Uint8Array(kernels.memory.buffer, image, 4 * pixels),

    adjust(adjustments, { top, height: rows } = { top: 0, height }) {
      const whole = { image, pixels };
      const part = { image: image + 4 * top * width, pixels: rows * width };
      // Contrast depends on the mean of the whole image, and so on what comes before it, everywhere.
      const contrast = adjustments.findLastIndex(({ name }) => name === 'contrast');
      adjustments.forEach((adjustment, i) => {
        adjust(kernels, adjustment, { mean: whole, change: i < contrast ? whole : part });
      });
    },

    view(box, size, filter, flip = false) {
      const across = resampleWeights(box.left, box.width, size, filter);
      const down = resampleWeights(0, box.height, size, filter);
      const tables = [across.first, across.offset, across.pairs, down.first, down.offset, down.pairs];
      // One row more than the box has: that which an odd last one is paired with.
      const sizes = [4 * (box.height + 1) * size, 4 * size * size, 4 * (3 * size * size + 1)];
      const [half, square, floats, ...rest] = addresses(
        kernels,
        [...sizes, ...tables.map(({ byteLength }) => byteLength)],
        free,
      ) as [number, number, number, ...number[]];
      const { buffer } = kernels.memory;
      for (const [i, table] of tables.entries()) copyTo(kernels, rest[i]!, table);
      const [acrossAt, downAt] = [rest.slice(0, 3), rest.slice(3, 6)] as unknown as [Triple, Triple];
      const rows = image + 4 * box.top * width;
      kernels.resampleAcross(rows, half, width, box.height, size, ...acrossAt, flip ? -1 : 1);
      kernels.resampleDown(half, square, size, ...downAt);
      const read = (into: Float32Array) => into.set(new Float32Array(buffer, floats, into.length));
      return {
        bytes: () => new Uint8Array(buffer, square, 4 * size * size),
        adjust(adjustment) {
          const whole = { image: square, pixels: size * size };
          adjust(kernels, adjustment, { mean: whole, change: whole });
        },
        normalized(mean, std, into) {
          const factors = std.map((own) => 1 / (255 * own)) as unknown as Triple;
          const offsets = mean.map((own, c) => -own / std[c]!) as unknown as Triple;
          kernels.normalize(square, floats, size * size, ...factors, ...offsets);
          read(into);
        },
        opacity(into) {
          kernels.opacities(square, floats, size * size);
          read(into);
        },
      };
    },
  };
}
