import { useTensorflow } from '@beit/compile';
import { describeMachine, machineLine, markdownTable, median } from '@beit/measurements';
import { pretrainLoss } from '@beit/mim';
import { adamW, toTensors, trainState, valueAndGrads } from '@beit/optim';
import * as tf from '@tensorflow/tfjs';
import { integer, oneOf, publishedCommandLine } from '../shared/commandLine';
import { publish } from '../shared/publish';
import { createTask, MODELS, type ModelName } from '../trainStep/task';

const ENGINES = ['tensorflow', 'tensorflow-gpu'] as const;
const HELP = `Usage: pnpm bench:tensorflow [options]

Seconds of an eager pre-training step on TensorFlow (tfjs-node) with three optimizers: AdamW as one kernel, AdamW
composed of TensorFlow.js's ops, and TensorFlow.js's own Adam, which neither clips nor decays. They take turns, so that a
change in the machine's speed meets all of them. A tensor that a step leaves behind is an error. About 3 minutes on 2 cores.

  --model NAME     ${Object.keys(MODELS).join(', ')} (default: base)
  --batch N        images in a step (default: 8)
  --steps N        that count, after two that warm up (default: 5)
  --engine NAME    ${ENGINES.join(', ')} (default: tensorflow)`;

const values = publishedCommandLine(
  HELP,
  {
    model: { type: 'string', default: 'base' },
    batch: { type: 'string', default: '8' },
    steps: { type: 'string', default: '5' },
    engine: { type: 'string', default: 'tensorflow' },
  },
  'gpu.md',
);
const model = oneOf(values.model, 'model', Object.keys(MODELS) as ModelName[]);
const batchSize = integer(values.batch, 'batch', 1);
const steps = integer(values.steps, 'steps', 1);
const engine = oneOf(values.engine, 'engine', ENGINES);

const WARM_UP_ROUNDS = 2;

type Named = Record<string, tf.Tensor>;
interface Variant {
  readonly name: string;
  params(): Named;
  update(gradients: Named, step: number): void;
}

tf.enableProdMode();
await useTensorflow(engine);
const task = createTask({ model: MODELS[model], batchSize, numMasked: 75 });
const loss = pretrainLoss(task.mim);
const batch = toTensors(task.batch) as Parameters<typeof loss>[1];

function ours(name: string, fused: boolean): Variant {
  const optimizer = adamW({ weightDecay: 0.05, clipNorm: 3, fused });
  let state = toTensors(trainState(task.params, optimizer));
  return {
    name,
    params: () => state.params,
    update(gradients, step) {
      const scalars = toTensors(optimizer.scalars(step, 1e-4));
      const { params, moments, gradNorm } = optimizer.update(state.params, gradients, state, scalars);
      tf.dispose([state, scalars, gradNorm]);
      state = { params, ...moments };
    },
  };
}

function theirs(name: string): Variant {
  const optimizer = tf.train.adam(1e-4, 0.9, 0.999, 1e-8);
  const variables = Object.fromEntries(
    Object.entries(toTensors(task.params)).map(([key, tensor]) => {
      const variable = tf.variable(tensor, true, key);
      tensor.dispose();
      return [key, variable];
    }),
  );
  return {
    name,
    params: () => variables,
    update: (gradients) =>
      optimizer.applyGradients(Object.entries(gradients).map(([key, tensor]) => ({ name: key, tensor }))),
  };
}

/** One step; both parts end with reading a number, which waits for a GPU. */
function timeStep({ params, update }: Variant, step: number): { gradients: number; update: number } {
  const start = performance.now();
  const { gradients, loss: value, outputs } = valueAndGrads((p) => loss(p, batch), params());
  value.dataSync();
  const middle = performance.now();
  update(gradients, step);
  tf.tidy(() => tf.sum(Object.values(params()).at(-1)!).dataSync());
  const end = performance.now();
  tf.dispose([gradients, value, outputs]);
  return { gradients: (middle - start) / 1000, update: (end - middle) / 1000 };
}

/** Calls of TensorFlow's kernels, counted during `f`. */
function countCalls(f: () => void): number {
  const backend = tf.backend() as unknown as Record<string, (...args: unknown[]) => unknown>;
  let calls = 0;
  for (const name of ['executeSingleOutput', 'executeMultipleOutputs']) {
    const original = backend[name]!;
    backend[name] = (...args) => {
      calls++;
      return original.apply(backend, args);
    };
  }
  f();
  // The methods are the prototype's again.
  for (const name of ['executeSingleOutput', 'executeMultipleOutputs']) delete backend[name];
  return calls;
}

/** Seconds of a call with nothing to do. */
function secondsOfCall(): number {
  const calls = 20_000;
  const one = tf.ones([1]);
  const start = performance.now();
  for (let i = 0; i < calls; i++) tf.add(one, one).dispose();
  one.dispose();
  return (performance.now() - start) / 1000 / calls;
}

const variants = [ours('adamW, one kernel', true), ours('adamW, composed', false), theirs('tf.train.adam')];
const times = new Map(variants.map(({ name }) => [name, [] as ReturnType<typeof timeStep>[]]));
// The first steps are slower: memory is touched for the first time, tf.train.adam makes its moments.
for (let round = -WARM_UP_ROUNDS; round < steps; round++) {
  for (let i = 0; i < variants.length; i++) {
    const variant = variants[(i + round + WARM_UP_ROUNDS) % variants.length]!;
    const before = tf.memory().numTensors;
    const time = timeStep(variant, round + WARM_UP_ROUNDS);
    if (round < 0) continue;
    times.get(variant.name)!.push(time);
    const left = tf.memory().numTensors - before;
    if (left !== 0) throw new Error(`A step with ${variant.name} left ${left} tensors behind.`);
  }
  console.error(round < 0 ? 'Warming up' : `Round ${round + 1} of ${steps}`);
}

const calls = variants.map((variant) => {
  const { gradients, loss: value, outputs } = valueAndGrads((p) => loss(p, batch), variant.params());
  const update = countCalls(() => variant.update(gradients, steps + WARM_UP_ROUNDS));
  tf.dispose([gradients, value, outputs]);
  return update;
});
const forwardBackwardCalls = countCalls(() =>
  tf.dispose(valueAndGrads((p) => loss(p, batch), variants[0]!.params())),
);
const callSeconds = secondsOfCall();

const rows = variants.map(({ name }, i) => {
  const all = times.get(name)!;
  const [gradients, update] = [all.map((t) => t.gradients), all.map((t) => t.update)];
  return {
    optimizer: name,
    forwardBackwardSeconds: median(gradients),
    updateSeconds: median(update),
    updateCalls: calls[i]!,
    stepSeconds: median(all.map((t) => t.gradients + t.update)),
  };
});
const machine = describeMachine();
const command = `pnpm bench:tensorflow --model ${model} --batch ${batchSize} --steps ${steps} --engine ${engine}`;
const report = {
  command,
  machine,
  model,
  batchSize,
  engine,
  steps,
  summary: { composedUpdateVsOneKernel: rows[1]!.updateSeconds / rows[0]!.updateSeconds },
  forwardBackwardCalls,
  callSeconds,
  rows,
};
const markdown = [
  markdownTable(
    rows.map(({ optimizer, forwardBackwardSeconds, updateSeconds, updateCalls, stepSeconds }) => ({
      optimizer,
      'forward and backward (s)': forwardBackwardSeconds.toFixed(2),
      'update (s)': updateSeconds.toFixed(3),
      'kernels of the update': updateCalls,
      'step (s)': stepSeconds.toFixed(2),
    })),
  ),
  '',
  `\`${command}\`; ${machineLine(machine)}. Medians of ${steps} steps. Forward and backward are ${forwardBackwardCalls} kernels; to call one takes ${(1e6 * callSeconds).toFixed(0)} µs.`,
].join('\n');
await publish('tensorflow', report, markdown, { json: values.json, write: values.write, page: 'gpu.md' });
