/** Processes that keep a part of the optimizer's state each train as those that keep all of it. */
import type { CompileOptions } from '@beit/compile';
import { createMim, type PretrainBatch, pretrainLoss } from '@beit/mim';
import { adamW, layerDecay } from '@beit/optim';
import { createRandom } from '@beit/random';
import {
  cloneTensors,
  flattenTensors,
  type HostTensor,
  type NamedTensors,
  type Tree,
  type TreeOf,
  unflattenTree,
  zeros,
} from '@beit/tensors';
import type { Job } from '@beit/trainer';
import { createVit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';
import { pretendedJob } from '../../../packages/trainer/test/pretendedJob';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { largestDifference } from '../../../tooling/measurements/src/differences';
import { type EngineProgram, trainingProgram } from '../src';

const VOCAB = 16;
const MASKED = 4;
const STATISTIC = 'bn.running_mean';
const FROZEN = 'pos_embed';
const vit = createVit({ imageSize: 16, patchSize: 4, embedDim: 16, depth: 2, numHeads: 2 });
const mim = createMim({ backbone: vit, vocabSize: VOCAB });
// A norm that clips, layer-wise rates, decay of some, and what is not trained at all.
const optimizer = adamW({
  clipNorm: 0.05,
  weightDecay: 0.05,
  learningRateScale: layerDecay({ rate: 0.7, depth: 2 }),
  trainable: (name) => name !== FROZEN,
});
const params: NamedTensors = { ...mim.init(createRandom(1)), [STATISTIC]: zeros([3]) };
const loss = (all: Record<string, tf.Tensor>, batch: PretrainBatch) => {
  const { [STATISTIC]: mean, ...rest } = all;
  const { images } = batch;
  const moved = tf.add(tf.mul(mean!, 0.9), tf.mul(tf.mean(images, [0, 1, 2]), 0.1));
  return { ...pretrainLoss(mim)(rest, batch), [STATISTIC]: moved };
};

function image(seed: number): TreeOf<PretrainBatch, HostTensor> {
  const random = createRandom('image', seed);
  return {
    images: {
      dtype: 'float32',
      shape: [1, 16, 16, 3],
      data: Float32Array.from({ length: 768 }, () => random.normal()),
    },
    visualTokens: {
      dtype: 'int32',
      shape: [1, 16],
      data: Int32Array.from({ length: 16 }, () => random.integer(0, VOCAB - 1)),
    },
    masked: {
      positions: {
        dtype: 'int32',
        shape: [1, MASKED],
        data: Int32Array.from({ length: MASKED }, (_, i) => 3 * i),
      },
      weights: {
        dtype: 'float32',
        shape: [1, MASKED],
        data: Float32Array.from({ length: MASKED }, (_, i) => (i <= seed % MASKED ? 1 : 0)),
      },
    },
  };
}
const IMAGES = 12;
const weightOf = (seed: number) => 1 + (seed % MASKED);

function open(
  job: Job,
  engine: CompileOptions,
  shardOptimizer: boolean,
): Promise<EngineProgram<PretrainBatch>> {
  return trainingProgram({
    loss,
    optimizer,
    params,
    example: image(0),
    microBatches: IMAGES / job.size,
    job,
    shardOptimizer,
    emaDecay: 0.75,
    engine,
  });
}

/** Steps of the images of all processes, each of which takes its share. */
async function train(program: EngineProgram<PretrainBatch>, job: Job, steps: readonly number[]) {
  const scalars: number[] = [];
  for (const step of steps) {
    async function* microBatches() {
      for (let i = 0; i < IMAGES / job.size; i++) {
        const seed = step * IMAGES + job.rank * (IMAGES / job.size) + i;
        yield { batch: image(seed), weight: weightOf(seed) };
      }
    }
    const { loss, gradNorm } = (await program.run({
      microBatches: microBatches(),
      scalars: optimizer.scalars(step, 1e-2),
    })) as Record<string, HostTensor>;
    scalars.push(loss!.data[0]!, gradNorm!.data[0]!);
  }
  return scalars;
}

const copyOf = (state: Tree<HostTensor>): NamedTensors => cloneTensors(flattenTensors(state));

/** Losses and norms, and the state, of every process. */
async function run(
  size: number,
  engine: CompileOptions,
  shardOptimizer: boolean,
  { from, steps = [0, 1, 2] }: { from?: Tree<HostTensor>; steps?: readonly number[] } = {},
) {
  const { jobs } = pretendedJob(size);
  return Promise.all(
    jobs.map(async (job) => {
      const program = await open(job, engine, shardOptimizer);
      if (from) await program.writeState(from);
      const scalars = await train(program, job, steps);
      const tree = await program.readState();
      const state = copyOf(tree);
      await program.dispose();
      return { scalars, state };
    }),
  );
}

/** A norm that is summed in another order differs in its last bits, and so does what it scales. */
const TOLERANCE = 5e-6;
/** Devices of a process sum in yet another order. */
const DEVICES_TOLERANCE = 5e-5;

const ONNXRUNTIME: CompileOptions = { engine: 'onnxruntime', precision: 'fp32', numThreads: 1 };
const CASES: readonly (CompileOptions & { readonly size: number })[] = [
  ...[2, 3, 4].map((size) => ({ ...ONNXRUNTIME, size })),
  { engine: 'tfjs', precision: 'fp32', size: 3 },
];
const OPENVINO: typeof CASES = [
  { engine: 'openvino', precision: 'fp32', numThreads: 1, size: 3 },
  { engine: 'openvino', precision: 'bf16', numThreads: 1, size: 2 },
];
const XLA: typeof CASES = [
  { engine: 'xla', device: 'cpu', precision: 'fp32', size: 3 },
  { engine: 'xla', device: 'cpu', devices: [0, 1], precision: 'fp32', size: 2 },
];
beforeAll(() => tf.setBackend('cpu'));

async function sharesItsState({ size, ...engine }: (typeof CASES)[number]): Promise<void> {
  const tolerance = engine.devices ? DEVICES_TOLERANCE : TOLERANCE;
  const whole = await run(size, engine, false);
  const sharded = await run(size, engine, true);
  for (const { scalars } of sharded)
    for (const [i, value] of scalars.entries())
      expect(Math.abs(value / whole[0]!.scalars[i]! - 1)).toBeLessThan(tolerance);
  expect(largestDifference(whole[0]!.state, sharded[0]!.state, 1e-30)).toBeLessThan(tolerance);
  expect(sharded[0]!.state[`params/${STATISTIC}`]!.data[0]).not.toBe(0);
  expect([...sharded[0]!.state[`params/${FROZEN}`]!.data]).toEqual([...params[FROZEN]!.data]);
  const isParameter = (name: string) => name.startsWith('params/');
  for (const { state } of sharded.slice(1)) {
    for (const name of Object.keys(state).filter(isParameter))
      expect([...state[name]!.data]).toEqual([...sharded[0]!.state[name]!.data]);
  }
  // Every moment is kept by exactly one of them.
  const moments = (state: NamedTensors) => Object.keys(state).filter((name) => name.startsWith('m/'));
  const kept = sharded.slice(1).reduce((sum, { state }) => sum + moments(state).length, 0);
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(moments(whole[0]!.state).length);
}
test.each(CASES)('$engine, $precision: $size processes', sharesItsState);
whereInstalled('OpenVINO', () => {
  test.each(OPENVINO)('$engine, $precision: $size processes', sharesItsState);
});
whereInstalled('XLA', () => {
  test.each(XLA)('$engine, $precision, devices $devices: $size processes', sharesItsState);
});

test('a state goes on with other processes, sharded or not', async () => {
  const [expected] = await run(2, ONNXRUNTIME, false);
  for (const [first, then] of [
    [
      { size: 2, sharded: true },
      { size: 3, sharded: true },
    ],
    [
      { size: 3, sharded: true },
      { size: 1, sharded: true },
    ],
    [
      { size: 2, sharded: false },
      { size: 4, sharded: true },
    ],
    [
      { size: 4, sharded: true },
      { size: 2, sharded: false },
    ],
  ] as const) {
    const [half] = await run(first.size, ONNXRUNTIME, first.sharded, { steps: [0] });
    const from = unflattenTree(Object.entries(half!.state));
    const [end] = await run(then.size, ONNXRUNTIME, then.sharded, { from, steps: [1, 2] });
    expect(largestDifference(expected!.state, end!.state, 1e-30)).toBeLessThan(1e-4);
  }
});
