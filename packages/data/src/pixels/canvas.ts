import { type ImageSize, imageSides } from '@beit/tensors';
import type { PerChannel, ResampleFilter, Size } from '@beit/weights';
import { type Adjustment, adjust } from './adjust';
import { addresses, copyTo, type PixelKernels, pixelKernels } from './pixelKernels';
import type { Box, Pixels } from './pixels';
import { exactWeights, pairedWeights } from './resampleWeights';

type Triple = readonly [number, number, number];
const eachColor = (of: (color: number) => number): Triple => [of(0), of(1), of(2)];

/** A part of a canvas at another size, in its memory: read it before the next one is made. */
export interface View {
  /** `[height, width, 4]`: red, green, blue, opacity. */
  bytes(): Uint8Array;
  /** Changes its colours. */
  adjust(adjustment: Adjustment): void;
  /**
   * (x / 255 - mean) / std of the colours, written to `into`, `[height, width, channels]`. One channel is the first of
   * a canvas that was made gray.
   */
  normalized(mean: PerChannel, std: PerChannel, into: Float32Array): void;
  /** In [0, 1], written to `into`, `[height, width]`. */
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
  /** Makes all colours gray, as Pillow's L. */
  makeGray(): void;
  /**
   * A crop at another size, as Pillow's `crop` and `resize`, to within a level: across, then down, with bytes
   * in between.
   *
   * @param flip mirrors left and right
   */
  view(box: Box, size: ImageSize, filter: ResampleFilter, flip?: boolean): View;
  /**
   * The whole at another size, of which a window is kept, to the bit as Pillow's `resize` and `crop`: slower than `view`.
   * What of the window lies outside is black.
   */
  resized(size: Size, filter: ResampleFilter, window: Box): View;
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

    makeGray() {
      const whole = { image, pixels };
      adjust(kernels, { name: 'saturation', factor: 0 }, { mean: whole, change: whole });
    },

    view(box, size, filter, flip = false) {
      const [h, w] = imageSides(size);
      const across = pairedWeights(box.left, box.width, w, filter);
      const down = pairedWeights(0, box.height, h, filter);
      const tables = [across.first, across.offset, across.pairs, down.first, down.offset, down.pairs];
      // One row more than the box has: that which an odd last one is paired with.
      const rowsBytes = 4 * (box.height + 1) * w;
      const { rows, out, floats, acrossAt, downAt } = layOut(rowsBytes, w * h, tables);
      const begin = image + 4 * box.top * width;
      kernels.resampleAcross(begin, rows, width, box.height, w, ...acrossAt, flip ? -1 : 1);
      kernels.resampleDown(rows, out, w, h, ...downAt);
      return viewAt(out, floats, w * h);
    },

    resized(size, filter, { left, top, width: w, height: h }) {
      const across = exactWeights(width, size.width, filter, left, w);
      const down = exactWeights(height, size.height, filter, top, h);
      const tables = [across.first, across.offset, across.weights, down.first, down.offset, down.weights];
      const { rows, out, floats, acrossAt, downAt } = layOut(4 * height * w, w * h, tables);
      kernels.exactAcross(image, rows, width, height, w, ...acrossAt);
      kernels.exactDown(rows, out, w, h, ...downAt);
      return viewAt(out, floats, w * h);
    },
  };

  /** Where rows that are resampled across go, the result of so many pixels, its numbers, and the tables of weights. */
  function layOut(rowsBytes: number, pixels: number, tables: readonly (Int32Array | Int16Array)[]) {
    const [rows, out, floats, ...rest] = addresses(
      kernels,
      [rowsBytes, 4 * pixels, 4 * (3 * pixels + 1), ...tables.map(({ byteLength }) => byteLength)],
      free,
    ) as [number, number, number, ...number[]];
    for (const [i, table] of tables.entries()) copyTo(kernels, rest[i]!, table);
    const [acrossAt, downAt] = [rest.slice(0, 3), rest.slice(3, 6)] as unknown as [Triple, Triple];
    return { rows, out, floats, acrossAt, downAt };
  }

  /** @param floats where its numbers are put */
  function viewAt(at: number, floats: number, pixels: number): View {
    const { buffer } = kernels.memory;
    const read = (into: Float32Array) => into.set(new Float32Array(buffer, floats, into.length));
    return {
      bytes: () => new Uint8Array(buffer, at, 4 * pixels),
      adjust(adjustment) {
        const whole = { image: at, pixels };
        adjust(kernels, adjustment, { mean: whole, change: whole });
      },
      normalized(mean, std, into) {
        const channel = (c: number) => Math.min(c, mean.length - 1);
        const factors = eachColor((c) => 1 / (255 * std[channel(c)]!));
        const offsets = eachColor((c) => -mean[channel(c)]! / std[channel(c)]!);
        kernels.normalize(at, floats, pixels, ...factors, ...offsets);
        if (mean.length === 3) read(into);
        else {
          const colors = new Float32Array(buffer, floats, 3 * pixels);
          for (let i = 0; i < pixels; i++) into[i] = colors[3 * i]!;
        }
      },
      opacity(into) {
        kernels.opacities(at, floats, pixels);
        read(into);
      },
    };
  }
}
