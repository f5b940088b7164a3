import { resizeGrid } from '@beit/nn';
import { createRandom } from '@beit/random';
import type { HostTensor } from '@beit/tensors';
import fc from 'fast-check';
import { type FloatImage, segmentImage, slidingLogits, type WindowModel, windowStarts } from '../src';

/** [height, width] */
type Window = readonly [number, number];
const WINDOW: Window = [6, 6];
const CLASSES = 3;

/** Logits of a pixel: of its colour, and of where it is in its window, so that windows differ where they overlap. */
const model = (batchSize: number, window = WINDOW): WindowModel => ({
  windowSize: window,
  numClasses: CLASSES,
  batchSize,
  async logits({ data, shape }: HostTensor) {
    expect(shape).toEqual([batchSize, ...window, 3]);
    return {
      dtype: 'float32',
      shape: [batchSize, ...window, CLASSES],
      data: logitsOf(data as Float32Array, window),
    };
  },
});
const logitsOf = (pixels: Float32Array, [height, width]: Window) =>
  Float32Array.from({ length: pixels.length }, (_, i) => {
    const [x, c] = [Math.floor(i / CLASSES) % width, i % CLASSES];
    const y = Math.floor(i / CLASSES / width) % height;
    return 2 * pixels[i - c + ((c + 1) % 3)]! + 0.3 * Math.sin(x + 2 * y * (c + 1));
  });

const image = (height: number, width: number): FloatImage => {
  const random = createRandom('image', height, width);
  return { height, width, data: Float32Array.from({ length: height * width * 3 }, () => random.normal()) };
};
const mirrored = ({ height, width, data }: FloatImage, channels: number): FloatImage => ({
  height,
  width,
  data: Float32Array.from(data, (_, i) => {
    const [pixel, c] = [Math.floor(i / channels), i % channels];
    const [y, x] = [Math.floor(pixel / width), pixel % width];
    return data[(y * width + width - 1 - x) * channels + c]!;
  }),
});

/** mmsegmentation's way: all logits and a count for the whole image. */
function wholeLogits(
  { height, width, data }: FloatImage,
  stride: number | Window,
  [rows, columns]: Window = WINDOW,
): Float32Array {
  const [down, across] = typeof stride === 'number' ? [stride, stride] : stride;
  const sums = new Float32Array(height * width * CLASSES);
  const counts = new Float32Array(height * width);
  for (const top of windowStarts(height, rows, down)) {
    for (const left of windowStarts(width, columns, across)) {
      const window = new Float32Array(rows * columns * 3);
      const inside = (y: number, x: number) => top + y < height && left + x < width;
      const each = (f: (at: number, pixel: number) => void) => {
        for (let y = 0; y < rows; y++)
          for (let x = 0; x < columns; x++)
            if (inside(y, x)) f(y * columns + x, (top + y) * width + left + x);
      };
      each((at, pixel) => {
        for (let c = 0; c < 3; c++) window[at * 3 + c] = data[pixel * 3 + c]!;
      });
      const logits = logitsOf(window, [rows, columns]);
      each((at, pixel) => {
        counts[pixel]!++;
        for (let c = 0; c < CLASSES; c++) sums[pixel * CLASSES + c]! += logits[at * CLASSES + c]!;
      });
    }
  }
  return sums.map((sum, i) => sum / counts[Math.floor(i / CLASSES)]!);
}

async function gathered(lines: AsyncIterable<Float32Array>): Promise<number[]> {
  const all: number[] = [];
  for await (const line of lines) all.push(...line);
  return all;
}

/** Columns one after the other as rows. */
const transposed = (lines: readonly number[], columns: number, rows: number) =>
  Array.from({ length: lines.length }, (_, i) => {
    const [pixel, c] = [Math.floor(i / CLASSES), i % CLASSES];
    const [y, x] = [Math.floor(pixel / columns), pixel % columns];
    return lines[(x * rows + y) * CLASSES + c]!;
  });

const closeTo = (actual: readonly number[], expected: ArrayLike<number>) => {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 5);
  });
};

const side = fc.integer({ min: 1, max: 20 });
/** A window and a stride that is not larger. */
const windows = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
  .chain(([rows, columns]) =>
    fc.record({
      window: fc.constant([rows, columns] as const),
      step: fc.tuple(fc.integer({ min: 1, max: rows }), fc.integer({ min: 1, max: columns })),
    }),
  );
const batch = fc.integer({ min: 1, max: 4 });

test('windows lie a stride apart, the last one inside', () => {
  expect(windowStarts(14, 6, 4)).toEqual([0, 4, 8]);
  expect(windowStarts(15, 6, 4)).toEqual([0, 4, 8, 9]);
  expect(windowStarts(3, 6, 4)).toEqual([0]);
  // ADE20K: 512 of 683 pixels, every 341.
  expect(windowStarts(683, 512, 341)).toEqual([0, 171]);
  expect(() => windowStarts(10, 6, 7)).toThrow('stride is 7; expected at most 6');
  expect(() => windowStarts(0, 6, 6)).toThrow('size is 0');
});

test('lines are those of the average over all windows, whatever the size, the batch and the direction', async () => {
  await fc.assert(
    fc.asyncProperty(side, side, windows, batch, async (height, width, { window, step }, batchSize) => {
      const picture = image(height, width);
      const expected = wholeLogits(picture, step, window);
      const rows = await gathered(slidingLogits(picture, model(batchSize, window), { stride: step }));
      closeTo(rows, expected);
      const columns = await gathered(
        slidingLogits(picture, model(batchSize, window), { stride: step, lines: 'columns' }),
      );
      closeTo(transposed(columns, width, height), expected);
    }),
    { seed: 1, numRuns: 40 },
  );
});

test('flipped is what the network says of the mirrored image, mirrored back', async () => {
  await fc.assert(
    fc.asyncProperty(side, side, windows, async (height, width, { window, step }) => {
      const picture = image(height, width);
      const ofMirrored = wholeLogits(mirrored(picture, 3), step, window);
      const expected = mirrored({ height, width, data: ofMirrored }, CLASSES).data;
      const options = { stride: step, flip: true };
      closeTo(await gathered(slidingLogits(picture, model(2, window), options)), expected);
      const columns = slidingLogits(picture, model(2, window), { ...options, lines: 'columns' });
      closeTo(transposed(await gathered(columns), width, height), expected);
    }),
    { seed: 1, numRuns: 30 },
  );
});

const argMax = (logits: ArrayLike<number>) =>
  Array.from({ length: logits.length / CLASSES }, (_, i) => {
    const own = [0, 1, 2].map((c) => logits[i * CLASSES + c]!);
    return own.indexOf(Math.max(...own));
  });

test('classes at another size are those of the resized logits', async () => {
  await fc.assert(
    fc.asyncProperty(side, side, side, side, windows, async (height, width, toHeight, toWidth, given) => {
      const { window, step } = given;
      const picture = image(height, width);
      const classes = await segmentImage(picture, model(1, window), {
        size: { height: toHeight, width: toWidth },
        stride: step,
      });
      const logits = resizeGrid(
        wholeLogits(picture, step, window),
        [height, width, CLASSES],
        [toHeight, toWidth],
        {
          method: 'bilinear',
        },
      );
      expect([...classes]).toEqual(argMax(logits));
    }),
    { seed: 2, numRuns: 40 },
  );
});

test('several scales and mirrored ones: the mean of probabilities', async () => {
  const scales = [image(9, 13), image(5, 7), image(14, 20)];
  const classes = await segmentImage(scales, model(2), { stride: 4, flip: true });
  const mean = new Float64Array(9 * 13 * CLASSES);
  for (const picture of scales) {
    for (const flip of [false, true]) {
      const { height, width } = picture;
      const plain = wholeLogits(flip ? mirrored(picture, 3) : picture, 4);
      const turned = flip ? mirrored({ height, width, data: plain }, CLASSES).data : plain;
      const logits = resizeGrid(turned, [height, width, CLASSES], [9, 13], { method: 'bilinear' });
      for (let i = 0; i < logits.length; i += CLASSES) {
        const exp = [0, 1, 2].map((c) => Math.exp(logits[i + c]!));
        const total = exp.reduce((a, b) => a + b);
        exp.forEach((e, c) => {
          mean[i + c]! += e / total;
        });
      }
    }
  }
  expect([...classes]).toEqual(argMax(mean));
});

test('a stride is of both sides or of each, by itself two thirds of the window', async () => {
  const [picture, window] = [image(13, 29), [4, 9] as const];
  const lines = (stride?: number | Window) =>
    gathered(slidingLogits(picture, model(2, window), stride === undefined ? {} : { stride }));
  closeTo(await lines(), wholeLogits(picture, [3, 6], window));
  closeTo(await lines(4), wholeLogits(picture, [4, 4], window));
  closeTo(await lines([4, 9]), wholeLogits(picture, [4, 9], window));
  await expect(lines(5)).rejects.toThrow('stride is 5; expected at most 4, the window');
  await expect(lines([4, 0])).rejects.toThrow('stride is 0; expected a positive integer');
});

test('logits of other windows, such as transposed ones, are refused', async () => {
  const wide = model(1, [4, 9]);
  const transposed: WindowModel = {
    ...wide,
    logits: async (windows) => ({ ...(await wide.logits(windows)), shape: [1, 9, 4, CLASSES] }),
  };
  await expect(segmentImage(image(10, 10), transposed)).rejects.toThrow(
    'The logits of windows: got [1, 9, 4, 3]; expected [1, 4, 9, 3]',
  );
});

test('no image, and more classes than a byte has, are refused', async () => {
  await expect(segmentImage([], model(1))).rejects.toThrow('no image');
  await expect(segmentImage(image(6, 6), { ...model(1), numClasses: 256 })).rejects.toThrow('256 classes');
  const broken = image(6, 6);
  broken.data[7] = Number.NaN;
  for (const flip of [false, true])
    await expect(segmentImage(broken, model(1), { flip })).rejects.toThrow('A logit of a pixel is NaN');
});
