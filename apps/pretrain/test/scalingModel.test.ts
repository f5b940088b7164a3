/** The model behind `pnpm scaling`: measurements in, predictions out; nothing is measured here. */
import { forwardStep, optimize, trace } from '@beit/compile';
import * as tf from '@tensorflow/tfjs';
import { RECIPES } from '../src/recipes';
import { fitNetwork } from '../src/scaling/measure/measureNetwork';
import { pretendedJob, type StepTimes, secondsOfStep, stopwatch } from '../src/scaling/measure/stopwatch';
import { countFlops, countLiveBytes } from '../src/scaling/model/countGraph';
import { countRecipe } from '../src/scaling/model/countRecipe';
import { hardwareWork } from '../src/scaling/model/hardware';
import { memoryOf } from '../src/scaling/model/memory';
import { type Known, neededWork, planOf, predict, type Task, workKey } from '../src/scaling/model/plan';
import { predictStep, ringAllReduce } from '../src/scaling/model/predict';

test('a ring sends 2 (N - 1) messages of 1 / N of the bytes', () => {
  expect(ringAllReduce(1000, 4, { bandwidth: 100, latency: 0.5 })).toBeCloseTo(6 * (2.5 + 0.5), 12);
});

test('a fit gives back the ring that the times are of', () => {
  const network = { bandwidth: 1.25e9, latency: 30e-6 };
  for (const ranks of [2, 3, 16]) {
    const points = [1e3, 1e5, 1e6, 3e7].map((bytes) => ({
      bytes,
      seconds: ringAllReduce(bytes, ranks, network),
    }));
    const fitted = fitNetwork(points, ranks);
    expect(fitted.bandwidth / network.bandwidth).toBeCloseTo(1, 8);
    expect(fitted.latency / network.latency).toBeCloseTo(1, 8);
    expect(fitted.largestDeviation).toBeLessThan(1e-8);
  }
  const flat = [1e3, 1e6].map((bytes) => ({ bytes, seconds: 1 }));
  expect(() => fitNetwork(flat, 2)).toThrow(/no bandwidth can be told/);
});

const work = { compute: 1, firstCopy: 0.1, otherCopies: 0.6, update: 0.2 };
const size = { ranks: 2, parts: 3, gradientBytes: 400, bucketBytes: 100, crowding: 1 };

test('all-reduce hides behind the copies of later buckets, but for the last one', () => {
  // A bucket takes 100 / rate seconds, and the copies of three buckets 0.6.
  const step = (bandwidth: number, gradientBytes = 400) =>
    predictStep(work, { bandwidth, latency: 0 }, { ...size, gradientBytes });
  expect(step(1000).exposed).toBeCloseTo(0.1, 12);
  expect(step(100).exposed).toBeCloseTo(4 - 0.6, 12);
  expect(step(100, 50).exposed).toBeCloseTo(0.5, 12);
  expect(step(1000)).toMatchObject({ compute: 3, update: 0.2 });
  expect(step(1000).step).toBeCloseTo(3 + 0.7 + 0.1 + 0.2, 12);
});

test('ranks that share a processor take turns; all-reduce is measured with as many as there are', () => {
  const crowded = predictStep(work, { bandwidth: 1e9, latency: 1e-3 }, { ...size, ranks: 4, crowding: 2 });
  expect(crowded.compute).toBe(6);
  expect(crowded.copies).toBeCloseTo(1.4, 12);
  // Four buckets, and twice a few numbers, in a ring of four.
  expect(crowded.exposed).toBeGreaterThan((2 + 1) * 6 * 1e-3);
});

const task: Task = { batchSize: 64, microBatchSize: 16, steps: 100, gradientBytes: 400, bucketBytes: 100 };
const free: Known = { work: () => work, network: () => ({ bandwidth: 1e12, latency: 0 }) };

test('threads and crowding come from the ranks of a machine', () => {
  expect(planOf(task, { ranks: 1, processors: 8 }).work).toEqual({
    microBatchSize: 16,
    parts: 4,
    together: false,
    sideBySide: 1,
  });
  expect(planOf(task, { ranks: 2, processors: 8 }).work).toMatchObject({ parts: 2, threads: 4 });
  expect(planOf(task, { ranks: 16, processors: 8 })).toMatchObject({
    machines: 1,
    crowding: 2,
    work: { microBatchSize: 4, parts: 1, threads: 1, sideBySide: 8 },
  });
  const spread = planOf(task, { ranks: 4, ranksPerMachine: 1, processors: 8 });
  expect(spread).toMatchObject({ machines: 4, crowding: 1, work: { sideBySide: 1 } });
  expect(spread.work.threads).toBeUndefined();
  expect(() => planOf(task, { ranks: 3, processors: 8 })).toThrow(/batch of 64 cannot be shared by 3/);
});

test('each measurement that is needed is asked for once', () => {
  const placements = [1, 2, 4].map((ranks) => ({ ranks, ranksPerMachine: 1, processors: 8 }));
  expect(new Set(neededWork(task, placements).map(workKey))).toEqual(new Set(['16 true 1 all']));
  const shared = [1, 2, 4].map((ranks) => ({ ranks, processors: 2 }));
  expect(neededWork(task, shared).map(({ sideBySide }) => sideBySide)).toEqual([1, 2]);
});

test('efficiency: strong with the batch for all, weak with a batch for each', () => {
  const alone = predict(task, { ranks: 1 }, free);
  expect(alone).toMatchObject({ speedup: 1, strong: 1, weak: 1, totalSeconds: 100 * 4.9 });
  const four = predict(task, { ranks: 4, ranksPerMachine: 1 }, free);
  // A quarter of the micro-batches, and all of the rest.
  expect(four.seconds.step).toBeCloseTo(1 + 0.7 + 0.2, 6);
  expect(four.speedup).toBeCloseTo(4.9 / 1.9, 6);
  expect(four.strong).toBeCloseTo(4.9 / 1.9 / 4, 6);
  expect(four.weak).toBeCloseTo(1, 6);
  // On one machine the whole of it is what efficiency is relative to.
  expect(predict(task, { ranks: 4, processors: 4 }, free).strong).toBeCloseTo(4.9 / 1.9, 6);
});

test('hardware that is known by its rate copies what it exchanges', () => {
  const sizes = { gradientBytes: 400, bucketBytes: 100 };
  const device = { imagesPerSecond: 8, copyBandwidth: 100 };
  expect(hardwareWork(device, 16, false, sizes)).toEqual({
    compute: 2,
    firstCopy: 0,
    otherCopies: 0,
    update: 0,
  });
  expect(hardwareWork(device, 16, true, sizes)).toEqual({
    compute: 2,
    firstCopy: 1,
    otherCopies: 3,
    update: 16,
  });
});

test('devices of a rank share a micro-batch, exchange nothing over the host, and keep the state', () => {
  const sizes = { gradientBytes: 400, bucketBytes: 100 };
  const known = { imagesPerSecond: 8, copyBandwidth: 100 };
  const one = hardwareWork({ ...known, devices: { count: 1, bandwidth: 1e3 } }, 16, true, sizes);
  expect(one).toEqual({ compute: 2, firstCopy: 1, otherCopies: 3, update: 4 });
  const two = hardwareWork({ ...known, devices: { count: 2, bandwidth: 1e3 } }, 16, false, sizes);
  // Half the images, and a ring of two: each sends all bytes once.
  expect(two.compute).toBeCloseTo(1 + 0.4, 4);
  expect(two.update).toBe(0);
});

test('memory counts what a rank keeps of every parameter', () => {
  expect(memoryOf(100, 7, false).total).toBe(3 * 400 + 7);
  expect(memoryOf(100, 7, true)).toMatchObject({ exchange: 400, total: 8 * 400 + 7 });
  expect(memoryOf(100, 7, true, true)).toMatchObject({ exchange: 400, total: 5 * 400 + 7 });
});

test('operations and memory are counted from a graph', () => {
  const spec = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;
  const { graph } = trace(
    forwardStep((_: object, { x, w }: { x: tf.Tensor; w: tf.Tensor }) => {
      const hidden = tf.relu(tf.matMul(x, w));
      return { y: tf.sum(tf.mul(hidden, tf.exp(hidden))) };
    }),
    {},
    { x: spec(2, 3), w: spec(3, 5) },
  );
  const small = optimize(graph);
  expect(countFlops(small)).toBe(2 * 2 * 3 * 5);
  // The hidden layer and its exponential, or either and the product, at once.
  expect(countLiveBytes(small)).toBeGreaterThanOrEqual(2 * 40);
  expect(countLiveBytes(small)).toBeLessThanOrEqual(3 * 40);
});

test('a recipe takes more memory for more images, and as many operations as its products have', async () => {
  const counts = await countRecipe(RECIPES[0]!);
  expect(counts.parameters).toBeGreaterThan(8e5);
  // Three times the forward pass of 4 blocks of 65 tokens, within what is only for masked patches.
  const forward = 4 * 65 * (2 * 12 * 128 ** 2 + 4 * 65 * 128);
  expect(counts.trainFlops / (3 * forward)).toBeGreaterThan(0.8);
  expect(counts.trainFlops / (3 * forward)).toBeLessThan(1.2);
  expect(counts.tokenizeFlops).toBeGreaterThan(1e6);
  const [one, two] = [counts.activationBytes(8), counts.activationBytes(16)];
  expect(two / one).toBeGreaterThan(1.8);
  expect(two / one).toBeLessThan(2.05);
});

test('a stopwatch tells what a step went to', async () => {
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  let seen: readonly StepTimes[] = [];
  const job = stopwatch(
    { ...pretendedJob(2), allReduce: async () => void (await wait(20)) },
    async (done) => {
      seen = [...done];
    },
  );
  const step = async () => {
    await job.allReduce(new Int32Array(1), 'max');
    await wait(60);
    await job.allReduce(new Float64Array(2));
    await wait(30);
    await Promise.all([job.allReduce(new Float32Array(1)), job.allReduce(new Float32Array(1))]);
    await wait(40);
  };
  await step();
  await job.allReduce(new Int32Array(1), 'max');
  expect(seen.length).toBe(1);
  const [times] = seen;
  const least = { waiting: 0.035, compute: 0.055, firstCopy: 0.025, exposed: 0.015, update: 0.035 };
  for (const [part, seconds] of Object.entries(least))
    expect(times![part as keyof StepTimes]).toBeGreaterThan(seconds);
  expect(secondsOfStep(times!)).toBeGreaterThan(0.16);
});
