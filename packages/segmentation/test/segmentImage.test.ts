import { resizeGrid } from '@beit/nn';
import { createRandom } from '@beit/random';
import type { HostTensor } from '@beit/tensors';
import fc from 'fast-check';
import { type FloatImage, segmentImage, slidingLogits, type WindowModel, windowStarts } from '../src';

const WINDOW = 6;
const CLASSES = 3;

/** Logits of a pixel: of its colour, and of where it is in its window, so that windows differ where they overlap. */
const model = (batchSize: number): WindowModel & { largest(): number } => {
  let largest = 0;
  return {
    windowSize: WINDOW,
    numClasses: CLASSES,
    batchSize,
    largest: () => largest,
    async logits({ data, shape }: HostTensor) {
      expect(shape).toEqual([batchSize, WINDOW, WINDOW, 3]);
      largest = Math.max(largest, data.length);
      return {
        dtype: 'float32',
        shape: [batchSize, WINDOW, WINDOW, CLASSES],
        data: logitsOf(data as Float32Array),
      };
    },
  };
};
const logitsOf = (pixels: Float32Array) =>
  Float32Array.from({ length: pixels.length }, (_, i) => {
    const [x, c] = [Math.floor(i / CLASSES) % WINDOW, i % CLASSES];
    const y = Math.floor(i / CLASSES / WINDOW) % WINDOW;
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
function wholeLogits({ height, width, data }: FloatImage, stride: number): Float32Array {
  const sums = new Float32Array(height * width * CLASSES);
  const counts = new Float32Array(height * width);
  for (const top of windowStarts(height, WINDOW, stride)) {
    for (const left of windowStarts(width, WINDOW, stride)) {
      const window = new Float32Array(WINDOW * WINDOW * 3);
      const inside = (y: number, x: number) => top + y < height && left + x < width;
      const each = (f: (at: number, pixel: number) => void) => {
        for (let y = 0; y < WINDOW; y++)
          for (let x = 0; x < WINDOW; x++) if (inside(y, x)) f(y * WINDOW + x, (top + y) * width + left + x);
      };
      each((at, pixel) => {
        for (let c = 0; c < 3; c++) window[at * 3 + c] = data[pixel * 3 + c]!;
      });
      const logits = logitsOf(window);
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
const stride = fc.integer({ min: 1, max: WINDOW });
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
    fc.asyncProperty(side, side, stride, batch, async (height, width, step, batchSize) => {
      const picture = image(height, width);
      const expected = wholeLogits(picture, step);
      const rows = await gathered(slidingLogits(picture, model(batchSize), { stride: step }));
      closeTo(rows, expected);
      const columns = await gathered(
        slidingLogits(picture, model(batchSize), { stride: step, lines: 'columns' }),
      );
      closeTo(transposed(columns, width, height), expected);
    }),
    { seed: 1, numRuns: 40 },
  );
});

test('flipped is what the network says of the mirrored image, mirrored back', async () => {
  await fc.assert(
    fc.asyncProperty(side, side, stride, async (height, width, step) => {
      const picture = image(height, width);
      const ofMirrored = wholeLogits(mirrored(picture, 3), step);
      const expected = mirrored({ height, width, data: ofMirrored }, CLASSES).data;
      closeTo(await gathered(slidingLogits(picture, model(2), { stride: step, flip: true })), expected);
      const columns = slidingLogits(picture, model(2), { stride: step, flip: true, lines: 'columns' });
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
    fc.asyncProperty(side, side, side, side, async (height, width, toHeight, toWidth) => {
      const picture = image(height, width);
      const classes = await segmentImage(picture, model(1), {
        size: { height: toHeight, width: toWidth },
        stride: 4,
      });
      const logits = resizeGrid(wholeLogits(picture, 4), [height, width, CLASSES], [toHeight, toWidth], {
        method: 'bilinear',
      });
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

test('no image, and more classes than a byte has, are refused', async () => {
  await expect(segmentImage([], model(1))).rejects.toThrow('no image');
  await expect(segmentImage(image(6, 6), { ...model(1), numClasses: 256 })).rejects.toThrow('256 classes');
  const broken = image(6, 6);
  broken.data[7] = Number.NaN;
  for (const flip of [false, true])
    await expect(segmentImage(broken, model(1), { flip })).rejects.toThrow('A logit of a pixel is NaN');
});
