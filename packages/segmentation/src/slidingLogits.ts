import { type HostTensor, type ImageSize, imageSides } from '@beit/tensors';

/** Normalized pixels, `[height, width, channels]`. */
export interface FloatImage {
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** A network that sees windows of one size, so many at a time. */
export interface WindowModel {
  /** Pixels of a window: the side of a square, or [height, width]. */
  readonly windowSize: ImageSize;
  readonly numClasses: number;
  /** Windows in one call; what is left of the last call is zeros. */
  readonly batchSize: number;
  /** `[batchSize, height, width, channels]` to `[batchSize, height, width, numClasses]`, of windows. */
  logits(windows: HostTensor): Promise<HostTensor>;
}

/** Pixels from one window to the next: as many both ways, or [down, across]. */
export type Stride = number | readonly [down: number, across: number];

export interface SlidingOptions {
  /** Default: two thirds of the window, as 341 of 512. */
  readonly stride?: Stride;
  /** Show the network the mirrored image, and mirror what it says. Default false. */
  readonly flip?: boolean;
  /** Which lines come one by one: those of the longer side's positions take the least memory. Default 'rows'. */
  readonly lines?: 'rows' | 'columns';
}

/**
 * Where windows begin along a side: every `stride` pixels, the last one shifted back inside. A side that is shorter than
 * the window has one, at 0. Reference: mmsegmentation models/segmentors/encoder_decoder.py, `slide_inference`.
 *
 * @throws RangeError when a number is not a positive integer, or the stride is larger than the window
 */
export function windowStarts(size: number, windowSize: number, stride: number): number[] {
  for (const [name, value] of Object.entries({ size, windowSize, stride })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${name} is ${value}; expected a positive integer.`);
    }
  }
  if (stride > windowSize) {
    throw new RangeError(
      `stride is ${stride}; expected at most ${windowSize}, the window: pixels between would have no class.`,
    );
  }
  const count = Math.floor(Math.max(size - windowSize + stride - 1, 0) / stride) + 1;
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(i * stride, size - windowSize)));
}

/**
 * Logits of an image of any size, averaged over the windows that cover a pixel, line by line: `[positions, numClasses]` of
 * one row (or column) after the other. Memory is taken for as many lines as a window has, not for the image. Each array
 * is valid until the next is asked for.
 *
 * @throws RangeError as `windowStarts`, and for logits of another shape than the windows'; and whatever the model throws
 */
export async function* slidingLogits(
  image: FloatImage,
  model: WindowModel,
  { stride, flip = false, lines = 'rows' }: SlidingOptions = {},
): AsyncGenerator<Float32Array> {
  const { numClasses, batchSize } = model;
  const [height, width] = imageSides(model.windowSize);
  const twoThirds = (side: number) => Math.round((2 / 3) * side);
  const [down, across] = imageSides(stride ?? [twoThirds(height), twoThirds(width)]);
  const rows = windowStarts(image.height, height, down);
  const ahead = windowStarts(image.width, width, across);
  // The windows of the mirrored image, as they lie in this one.
  const columns = flip ? ahead.map((start) => image.width - width - start).toReversed() : ahead;
  const byRow = lines === 'rows';
  const [lineStarts, positionStarts] = byRow ? [rows, columns] : [columns, rows];
  const [lineCount, positions] = byRow ? [image.height, image.width] : [image.width, image.height];
  const [linesOfWindow, positionsOfWindow] = byRow ? [height, width] : [width, height];
  const lineSize = positions * numClasses;

  /** Sums of the lines from `first` on. */
  const sums = new Float32Array(linesOfWindow * lineSize);
  let first = Math.min(0, lineStarts[0]!);
  const finished = new Float32Array(lineSize);
  const channels = channelsOf(image);
  const windows = new Float32Array(batchSize * height * width * channels);
  const coverage = coverageOf(positionStarts, positionsOfWindow, positions);
  const lineCoverage = coverageOf(lineStarts, linesOfWindow, lineCount);

  /** Lines before `end`, which no further window covers. */
  function* finishUntil(end: number): Generator<Float32Array> {
    for (let line = Math.max(0, first); line < Math.min(end, lineCount); line++) {
      const from = (line - first) * lineSize;
      for (let position = 0; position < positions; position++) {
        const share = 1 / (coverage[position]! * lineCoverage[line]!);
        for (let c = position * numClasses; c < (position + 1) * numClasses; c++)
          finished[c] = sums[from + c]! * share;
      }
      yield finished;
    }
  }

  function moveTo(line: number): void {
    const passed = Math.min(linesOfWindow, line - first);
    sums.copyWithin(0, passed * lineSize);
    sums.fill(0, (linesOfWindow - passed) * lineSize);
    first = line;
  }

  function add(logits: Float32Array, positionStart: number): void {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [line, position] = byRow ? [y, positionStart + x] : [x, positionStart + y];
        if (position < 0 || position >= positions) continue;
        const to = line * lineSize + position * numClasses;
        const at = (y * width + (flip ? width - 1 - x : x)) * numClasses;
        for (let c = 0; c < numClasses; c++) sums[to + c]! += logits[at + c]!;
      }
    }
  }

  const places = lineStarts.flatMap((line) => positionStarts.map((position) => ({ line, position })));
  const windowOf = ({ line, position }: { line: number; position: number }) => ({
    ...(byRow ? { top: line, left: position } : { top: position, left: line }),
    rows: height,
    columns: width,
    flip,
  });
  for (let from = 0; from < places.length; from += batchSize) {
    const group = places.slice(from, from + batchSize);
    windows.fill(0);
    group.forEach((place, i) => {
      copyWindow(image, windows, i, windowOf(place));
    });
    const shape = [batchSize, height, width, channels];
    const { data, shape: given } = await model.logits({ dtype: 'float32', shape, data: windows });
    const expected = [batchSize, height, width, numClasses];
    if (given.length !== 4 || expected.some((count, axis) => count !== given[axis]))
      throw new RangeError(
        `The logits of windows: got [${given.join(', ')}]; expected [${expected.join(', ')}].`,
      );
    // What a program gave may be gone when it runs again, for another scale between two lines of this one.
    const logits = (data as Float32Array).slice();
    const size = height * width * numClasses;
    for (const [i, { line, position }] of group.entries()) {
      yield* finishUntil(line);
      moveTo(line);
      add(logits.subarray(i * size, (i + 1) * size), position);
    }
  }
  yield* finishUntil(lineCount);
}

/** @throws RangeError when there are not as many numbers for each pixel */
function channelsOf({ height, width, data }: FloatImage): number {
  const channels = data.length / (height * width);
  if (!Number.isSafeInteger(channels) || channels < 1)
    throw new RangeError(
      `An image of ${width}x${height} pixels has ${data.length} numbers; expected a multiple.`,
    );
  return channels;
}

/** How many windows cover each place. */
function coverageOf(starts: readonly number[], windowSize: number, size: number): Uint16Array {
  const coverage = new Uint16Array(size);
  for (const start of starts) {
    for (let i = Math.max(0, start); i < Math.min(size, start + windowSize); i++) coverage[i]!++;
  }
  return coverage;
}

interface Window {
  readonly top: number;
  readonly left: number;
  readonly rows: number;
  readonly columns: number;
  readonly flip: boolean;
}

/** Writes a window of the image as the `index`-th of `into`; what lies outside of the image stays as it is. */
function copyWindow(
  image: FloatImage,
  into: Float32Array,
  index: number,
  { top, left, rows, columns, flip }: Window,
): void {
  const { height, width, data } = image;
  const channels = channelsOf(image);
  for (let y = Math.max(0, -top); y < Math.min(rows, height - top); y++) {
    for (let x = Math.max(0, -left); x < Math.min(columns, width - left); x++) {
      const from = ((top + y) * width + left + x) * channels;
      const to = ((index * rows + y) * columns + (flip ? columns - 1 - x : x)) * channels;
      for (let c = 0; c < channels; c++) into[to + c] = data[from + c]!;
    }
  }
}
