import type { CompileOptions } from '@beit/compile';
import { createMim, type PretrainBatch, pretrainLoss } from '@beit/mim';
import { adamW } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { HostTensor, NamedTensors, TreeOf } from '@beit/tensors';
import type { MicroBatch } from '@beit/trainer';
import { createVit } from '@beit/vit';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { firstBatch, type TrainingProgramOptions, trainingProgram } from '../src';

const VOCAB = 16;
const IMAGES = 6;
const vit = createVit({ imageSize: 16, patchSize: 4, embedDim: 16, depth: 2, numHeads: 2 });
const mim = createMim({ backbone: vit, vocabSize: VOCAB });
const optimizer = adamW({ clipNorm: 1 });

/** `count` images from `first` on, of which image i has i + 1 masked patches. */
function batchOf(first: number, count: number): MicroBatch<TreeOf<PretrainBatch, HostTensor>> {
  const random = (i: number) => createRandom('image', first + i);
  const filled = <T extends Float32Array | Int32Array>(
    dtype: 'float32' | 'int32',
    shape: number[],
    data: T,
    value: (image: number, k: number, r: ReturnType<typeof createRandom>) => number,
  ): HostTensor => {
    const size = data.length / count;
    for (let i = 0; i < count; i++) {
      const r = random(i);
      for (let k = 0; k < size; k++) data[i * size + k] = value(first + i, k, r);
    }
    return { dtype, shape: [count, ...shape], data };
  };
  const weights = filled('float32', [IMAGES], new Float32Array(count * IMAGES), (i, k) => (k <= i ? 1 : 0));
  return {
    batch: {
      images: filled('float32', [16, 16, 3], new Float32Array(count * 768), (_i, _k, r) => r.normal()),
      visualTokens: filled('int32', [16], new Int32Array(count * 16), (_i, _k, r) => r.integer(0, VOCAB - 1)),
      masked: {
        positions: filled('int32', [IMAGES], new Int32Array(count * IMAGES), (_, k) => 2 * k),
        weights,
      },
    },
    weight: (weights.data as Float32Array).reduce((a, b) => a + b, 0),
  };
}

async function trained(
  microBatchSize: number,
  engine: CompileOptions,
  how: Pick<TrainingProgramOptions<never>, 'emaDecay' | 'shardOptimizer'> = {},
) {
  async function* microBatches() {
    for (let first = 0; first < IMAGES; first += microBatchSize) yield batchOf(first, microBatchSize);
  }
  const program = await trainingProgram({
    loss: pretrainLoss(mim),
    optimizer,
    params: mim.init(createRandom(1)),
    example: await firstBatch(microBatches()),
    microBatches: IMAGES / microBatchSize,
    ...how,
    engine,
  });
  const losses: number[] = [];
  const averages: number[] = [];
  for (let step = 0; step < 3; step++) {
    const outputs = await program.run({
      microBatches: microBatches(),
      scalars: optimizer.scalars(step, 1e-3),
    });
    losses.push((outputs as unknown as { loss: HostTensor }).loss.data[0]!);
    const { params, ema } = (await program.readState()) as { params: NamedTensors; ema?: NamedTensors };
    averages.push(params['norm.bias']!.data[0]!, ema ? ema['norm.bias']!.data[0]! : Number.NaN);
  }
  const { params } = (await program.readState()) as { params: NamedTensors };
  const copy = Object.entries(params).map(([name, t]) => [name, Float32Array.from(t.data)] as const);
  await program.dispose();
  return { losses, averages, params: Object.fromEntries(copy), memory: program.memory };
}

type Trained = Awaited<ReturnType<typeof trained>>;

function expectSame(actual: Trained, expected: Trained): void {
  expect(expected.losses.length).toBeGreaterThan(0);
  expect(Object.keys(expected.params)).toContain('norm.bias');
  actual.losses.forEach((loss, i) => {
    expect(loss).toBeCloseTo(expected.losses[i]!, 5);
  });
  for (const [name, values] of Object.entries(expected.params)) {
    const difference = Math.max(...values.map((x, i) => Math.abs(x - actual.params[name]![i]!)));
    expect({ name, close: difference < 2e-5 }).toEqual({ name, close: true });
  }
}

test.each(['onnxruntime', 'tfjs'] as const)(
  '%s: micro-batches give what the whole batch gives',
  async (engine) => expectSame(await trained(2, { engine }), await trained(IMAGES, { engine })),
);

whereInstalled('XLA', () => {
  const XLA: CompileOptions = { engine: 'xla', device: 'cpu' };
  const TWO: CompileOptions = { ...XLA, devices: [0, 1] };
  test('two devices give what one gives, each with all of the state or a part', async () => {
    const one = await trained(IMAGES, XLA, { emaDecay: 0.75 });
    expectSame(one, await trained(IMAGES, { engine: 'onnxruntime' }));
    const whole = await trained(IMAGES, TWO, { emaDecay: 0.75 });
    const sharded = await trained(IMAGES, TWO, { emaDecay: 0.75, shardOptimizer: true });
    for (const two of [whole, sharded]) {
      expectSame(two, one);
      two.averages.forEach((average, i) => {
        expect(average).toBeCloseTo(one.averages[i]!, 6);
      });
    }
    // What a step writes over its state: parameters, two moments and the average, or half of all but the parameters.
    expect(whole.memory!.aliased).toBe(one.memory!.aliased);
    expect(sharded.memory!.aliased / one.memory!.aliased).toBeCloseTo((1 + 3 / 2) / 4, 2);
  });
  test('and with micro-batches', async () => {
    const one = await trained(IMAGES, XLA);
    expectSame(await trained(2, TWO), one);
    expectSame(await trained(2, TWO, { shardOptimizer: true }), one);
  });
});

test.each([IMAGES, 2])(
  'the average of parameters moves after every step, with micro-batches of %d',
  async (size) => {
    const { averages } = await trained(size, { engine: 'onnxruntime' }, { emaDecay: 0.75 });
    let average = 0;
    for (let step = 0; step < 3; step++) {
      const [param, ema] = averages.slice(2 * step);
      average = 0.75 * average + 0.25 * param!;
      expect(param).not.toBe(0);
      expect(ema).toBeCloseTo(average, 8);
    }
  },
);

test('steps that were sent ask for their batches one after the other', async () => {
  let [open, most] = [0, 0];
  async function* slowly() {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 20));
    open -= 1;
    yield batchOf(0, IMAGES);
  }
  const program = await trainingProgram({
    loss: pretrainLoss(mim),
    optimizer,
    params: mim.init(createRandom(1)),
    example: batchOf(0, IMAGES).batch,
    microBatches: 1,
    engine: { engine: 'onnxruntime' },
  });
  const steps = [0, 1, 2].map((step) => ({
    microBatches: slowly(),
    scalars: optimizer.scalars(step, 1e-3),
  }));
  for (const step of steps) program.send?.(step);
  for (const step of steps) await program.run(step);
  await program.dispose();
  expect(most).toBe(1);
});
