import { type HostTensor, imageSides } from '@beit/tensors';
import { resizeLines } from './resizeLines';
import { type FloatImage, type Stride, slidingLogits, type WindowModel } from './slidingLogits';

export interface SegmentImageOptions {
  /** Pixels of the result; the image may have been resized from it. Default: those of the first image. */
  readonly size?: { readonly height: number; readonly width: number };
  /** Pixels from one window to the next, both ways or [down, across]. Default: two thirds of the window. */
  readonly stride?: Stride;
  /** Also ask for the mirrored images, and average. Default false. */
  readonly flip?: boolean;
}

/**
 * The class of every pixel of an image of any size: windows slide over it, and logits are averaged where they overlap.
 * Given at several scales, and with `flip`, probabilities are averaged over all of these. Rows (or columns, where
 * fewer of them are in memory) are finished one after the other, so that memory does not grow with the image.
 * Reference: mmsegmentation models/segmentors/encoder_decoder.py, `slide_inference` and `aug_test`.
 *
 * @param images the image at one scale, or at several
 * @returns `[height, width]`, classes
 * @throws RangeError when there is no image, there are more than 255 classes, or a logit is NaN; as `slidingLogits`
 */
export async function segmentImage(
  images: FloatImage | readonly FloatImage[],
  model: WindowModel,
  { size, stride, flip = false }: SegmentImageOptions = {},
): Promise<Uint8Array> {
  const scales = Array.isArray(images) ? (images as readonly FloatImage[]) : [images as FloatImage];
  const [first] = scales;
  if (!first) throw new RangeError('There is no image to segment.');
  if (model.numClasses > 255) {
    throw new RangeError(`${model.numClasses} classes; a class is a byte, and 255 is none, so at most 255.`);
  }
  const { height, width } = size ?? first;
  // So many lines as a window has are in memory.
  const [rows, columns] = imageSides(model.windowSize);
  const lines = rows * width > columns * height ? 'columns' : 'rows';
  const sizes = ({ height, width }: { height: number; width: number }) =>
    lines === 'rows' ? { lines: height, positions: width } : { lines: width, positions: height };
  const to = sizes({ height, width });
  const sources = scales.flatMap((image) =>
    (flip ? [false, true] : [false]).map((flip) =>
      resizeLines(slidingLogits(image, model, { stride, flip, lines }), sizes(image), to, model.numClasses),
    ),
  );

  const { numClasses } = model;
  const result = new Uint8Array(height * width);
  const sums = new Float32Array(to.positions * numClasses);
  for (let line = 0; line < to.lines; line++) {
    sums.fill(0);
    for (const source of sources) {
      const { value: logits } = await source.next();
      if (!logits) throw new Error(`There are ${line} lines of logits; expected ${to.lines}.`);
      if (sources.length === 1) sums.set(logits);
      else addProbabilities(sums, logits, numClasses);
    }
    for (let position = 0; position < to.positions; position++) {
      const index = lines === 'rows' ? line * width + position : position * width + line;
      result[index] = indexOfLargest(sums, position * numClasses, numClasses);
    }
  }
  return result;
}

/**
 * The class of every pixel of an image that a model has seen as a whole: its logits are resized to the image's own size in
 * one step, as transformers does (`post_process_semantic_segmentation`).
 *
 * @param logits `[1, rows, columns, numClasses]`
 * @returns `[height, width]`, classes
 * @throws RangeError for another shape, more than 255 classes, or a logit that is NaN
 */
export async function segmentWhole(
  { shape, data }: HostTensor,
  { height, width }: { readonly height: number; readonly width: number },
): Promise<Uint8Array> {
  const [batch, rows, columns, numClasses] = shape as [number, number, number, number];
  if (shape.length !== 4 || batch !== 1 || numClasses > 255)
    throw new RangeError(`Logits [${shape}]; expected [1, rows, columns, classes], of at most 255 classes.`);
  const size = columns * numClasses;
  async function* lines() {
    for (let row = 0; row < rows; row++) yield (data as Float32Array).subarray(row * size, (row + 1) * size);
  }
  const result = new Uint8Array(height * width);
  let at = 0;
  const [from, to] = [
    { lines: rows, positions: columns },
    { lines: height, positions: width },
  ];
  for await (const line of resizeLines(lines(), from, to, numClasses))
    for (let x = 0; x < width; x++) result[at++] = indexOfLargest(line, x * numClasses, numClasses);
  return result;
}

function addProbabilities(sums: Float32Array, logits: Float32Array, numClasses: number): void {
  for (let from = 0; from < sums.length; from += numClasses) {
    let largest = Number.NEGATIVE_INFINITY;
    for (let c = from; c < from + numClasses; c++) largest = Math.max(largest, logits[c]!);
    let total = 0;
    for (let c = from; c < from + numClasses; c++) total += Math.exp(logits[c]! - largest);
    for (let c = from; c < from + numClasses; c++) sums[c]! += Math.exp(logits[c]! - largest) / total;
  }
}

/** The index of the largest number; of equal ones, the first. @throws RangeError for NaN, which no class would win by */
function indexOfLargest(values: Float32Array, from: number, count: number): number {
  let best = 0;
  for (let c = 0; c < count; c++) {
    const value = values[from + c]!;
    if (Number.isNaN(value)) throw new RangeError('A logit of a pixel is NaN; the model has diverged.');
    if (value > values[from + best]!) best = c;
  }
  return best;
}
