import type { HostTensor } from '@beit/tensors';

/** Normalized pixels, `[height, width, 3]`. */
export interface FloatImage {
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** A network that sees windows of one size, so many at a time. */
export interface WindowModel {
  /** Pixels along a side. */
  readonly windowSize: number;
  readonly numClasses: number;
  /** Windows in one call; what is left of the last call is zeros. */
  readonly batchSize: number;
  /** `[batchSize, windowSize, windowSize, 3]` to `[batchSize, windowSize, windowSize, numClasses]`. */
  logits(windows: HostTensor): Promise<HostTensor>;
}

export interface SlidingOptions {
  /** Pixels from one window to the next. Default: two thirds of the window, as 341 of 512. */
  readonly stride?: number;
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
 * @throws RangeError as `windowStarts`, and whatever the model throws
 */
export async function* slidingLogits(
  image: FloatImage,
  model: WindowModel,
  { stride = Math.round((2 / 3) * model.windowSize), flip = false, lines = 'rows' }: SlidingOptions = {},
): AsyncGenerator<Float32Array> {
  const { windowSize, numClasses, batchSize } = model;
  const rows = windowStarts(image.height, windowSize, stride);
  const ahead = windowStarts(image.width, windowSize, stride);
  // The windows of the mirrored image, as they lie in this one.
  const columns = flip ? ahead.map((start) => image.width - windowSize - start).toReversed() : ahead;
  const byRow = lines === 'rows';
  const [lineStarts, positionStarts] = byRow ? [rows, columns] : [columns, rows];
  const [lineCount, positions] = byRow ? [image.height, image.width] : [image.width, image.height];
  const lineSize = positions * numClasses;

  /** Sums of the lines from `first` on. */
  const sums = new Float32Array(windowSize * lineSize);
  let first = Math.min(0, lineStarts[0]!);
  const finished = new Float32Array(lineSize);
  const windows = new Float32Array(batchSize * windowSize ** 2 * 3);
  const coverage = coverageOf(positionStarts, windowSize, positions);
  const lineCoverage = coverageOf(lineStarts, windowSize, lineCount);

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
    const passed = Math.min(windowSize, line - first);
    sums.copyWithin(0, passed * lineSize);
    sums.fill(0, (windowSize - passed) * lineSize);
    first = line;
  }

  function add(logits: Float32Array, positionStart: number): void {
    for (let y = 0; y < windowSize; y++) {
      for (let x = 0; x < windowSize; x++) {
        const [line, position] = byRow ? [y, positionStart + x] : [x, positionStart + y];
        if (position < 0 || position >= positions) continue;
        const to = line * lineSize + position * numClasses;
        const at = (y * windowSize + (flip ? windowSize - 1 - x : x)) * numClasses;
        for (let c = 0; c < numClasses; c++) sums[to + c]! += logits[at + c]!;
      }
    }
  }

  const places = lineStarts.flatMap((line) => positionStarts.map((position) => ({ line, position })));
  const windowOf = ({ line, position }: { line: number; position: number }) =>
    byRow ? { top: line, left: position, windowSize, flip } : { top: position, left: line, windowSize, flip };
  for (let from = 0; from < places.length; from += batchSize) {
    const group = places.slice(from, from + batchSize);
    windows.fill(0);
    group.forEach((place, i) => {
      copyWindow(image, windows, i, windowOf(place));
    });
    const shape = [batchSize, windowSize, windowSize, 3];
    const { data } = await model.logits({ dtype: 'float32', shape, data: windows });
    // What a program gave may be gone when it runs again, for another scale between two lines of this one.
    const logits = (data as Float32Array).slice();
    const size = windowSize ** 2 * numClasses;
    for (const [i, { line, position }] of group.entries()) {
      yield* finishUntil(line);
      moveTo(line);
      add(logits.subarray(i * size, (i + 1) * size), position);
    }
  }
  yield* finishUntil(lineCount);
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
  readonly windowSize: number;
  readonly flip: boolean;
}

/** Writes a window of the image as the `index`-th of `into`; what lies outside of the image stays as it is. */
function copyWindow(
  { height, width, data }: FloatImage,
  into: Float32Array,
  index: number,
  { top, left, windowSize, flip }: Window,
): void {
  for (let y = Math.max(0, -top); y < Math.min(windowSize, height - top); y++) {
    for (let x = Math.max(0, -left); x < Math.min(windowSize, width - left); x++) {
      const from = ((top + y) * width + left + x) * 3;
      const to = ((index * windowSize + y) * windowSize + (flip ? windowSize - 1 - x : x)) * 3;
      into[to] = data[from]!;
      into[to + 1] = data[from + 1]!;
      into[to + 2] = data[from + 2]!;
    }
  }
}
