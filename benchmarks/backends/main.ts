import { compile } from '@beit/compile';
import { createDvae, type DvaeBatch, dvaeBatchSpecs, dvaeLoss } from '@beit/dvae';
import { describeMachine, machineLine, markdownTable, median } from '@beit/measurements';
import { createMim, pretrainLoss } from '@beit/mim';
import type { TensorParams } from '@beit/nn';
import { adamW, asTreeLoss, trainState, trainStep } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { HostTensor } from '@beit/tensors';
import { createVit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { fail, integer, integers, oneOf, publishedCommandLine } from '../shared/commandLine';
import { publish } from '../shared/publish';

const HELP = `Usage: pnpm bench:backends [options]

Seconds per training step of the default recipe's two models: TensorFlow.js's own backends that come from npm against
the compiled engine. A step is forward, backward, clipping and AdamW; the first one, which warms up, does not count, and
the median of the others is shown. About 4 minutes on 2 cores, most of them on cpu.

  --engines LIST   of cpu, wasm, onnxruntime (default: all)
  --batch N[,M]    images of a step of the tokenizer, and of masked image modelling (default: 4,16)
  --steps N        that count (default: 3)`;

const ENGINES = {
  cpu: { engine: 'tfjs', backend: 'cpu' },
  wasm: { engine: 'tfjs', backend: 'wasm' },
  onnxruntime: { engine: 'onnxruntime' },
} as const;
type EngineName = keyof typeof ENGINES;

const values = publishedCommandLine(HELP, {
  engines: { type: 'string', default: Object.keys(ENGINES).join() },
  batch: { type: 'string', default: '4,16' },
  steps: { type: 'string', default: '3' },
});
const steps = integer(values.steps, 'steps', 1);
const [dvaeBatch, mimBatch = dvaeBatch, ...more] = integers(values.batch, 'batch', 1) as [number, number?];
if (more.length > 0) fail(`--batch is '${values.batch}'; expected one or two numbers.`);
const engines = values.engines
  .split(',')
  .map((name) => oneOf(name, 'engines', Object.keys(ENGINES) as EngineName[]));

const random = createRandom('benchmark');
const filled = (shape: readonly number[], draw: () => number): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw),
});
const indices = (shape: readonly number[], below: number): HostTensor => ({
  ...filled(shape, () => 0),
  dtype: 'int32',
  data: Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.integer(0, below - 1)),
});

/** Stage 1 and stage 2 of the recipe `emoji`. */
function tokenizerStep() {
  const dvae = createDvae({
    vocabSize: 512,
    hiddenDim: 32,
    decoderInitDim: 32,
    numGroups: 3,
    blocksPerGroup: 2,
  });
  const optimizer = adamW({ weightDecay: 1e-4, clipNorm: 4 });
  const specs = dvaeBatchSpecs(dvae, { batchSize: dvaeBatch, imageSize: 32 });
  return {
    loss: asTreeLoss((params: TensorParams, batch: DvaeBatch) => dvaeLoss(dvae, params, batch)),
    optimizer,
    params: dvae.init(createRandom(0)),
    batch: {
      images: filled(specs.images.shape, () => random.uniform()),
      uniform: filled(specs.uniform.shape, () => random.uniform()),
      temperature: filled([], () => 1),
      klWeight: filled([], () => 0.3),
      usageWeight: filled([], () => 0.1),
    },
  };
}
function mimStep() {
  const model = { imageSize: 64, patchSize: 8, embedDim: 128, depth: 4, numHeads: 4 };
  const [vocabSize, patches, maxMasked] = [512, 64, 26];
  const mim = createMim({ backbone: createVit(model), vocabSize });
  const optimizer = adamW({ weightDecay: 0.05, clipNorm: 3 });
  return {
    loss: asTreeLoss(pretrainLoss(mim)),
    optimizer,
    params: mim.init(createRandom(0)),
    batch: {
      images: filled([mimBatch, 64, 64, 3], () => random.normal(0, 1)),
      visualTokens: indices([mimBatch, patches], vocabSize),
      masked: {
        positions: indices([mimBatch, maxMasked], patches),
        weights: filled([mimBatch, maxMasked], () => 1),
      },
    },
  };
}

async function secondsPerStep(
  { loss, optimizer, params, batch }: ReturnType<typeof tokenizerStep> | ReturnType<typeof mimStep>,
  engine: EngineName,
): Promise<number> {
  const program = await compile(
    trainStep(loss, optimizer),
    {
      state: trainState(params, optimizer),
      inputs: { batch, scalars: optimizer.scalarSpecs },
    },
    ENGINES[engine],
  );
  const times: number[] = [];
  for (let i = 0; i <= steps; i++) {
    const start = performance.now();
    await program.run({ batch, scalars: optimizer.scalars(i, 1e-4) });
    times.push((performance.now() - start) / 1000);
  }
  await program.dispose();
  return median(times.slice(1));
}

tf.enableProdMode();
await tf.setBackend('cpu');
const stages = [
  { stage: 'tokenizer', batchSize: dvaeBatch, make: tokenizerStep },
  { stage: 'masked image modelling', batchSize: mimBatch, make: mimStep },
];
const results = [];
for (const { stage, batchSize, make } of stages) {
  const seconds: Partial<Record<EngineName, number>> = {};
  for (const engine of engines) {
    seconds[engine] = await secondsPerStep(make(), engine);
    console.error(`${stage}, ${batchSize} images, ${engine}: ${seconds[engine].toFixed(3)} s`);
  }
  results.push({ stage, batchSize, seconds });
}
const machine = describeMachine();
const command = `pnpm bench:backends --engines ${engines.join()} --batch ${dvaeBatch},${mimBatch} --steps ${steps}`;
const versions = { 'TensorFlow.js': tf.version.tfjs };
const markdown = [
  markdownTable(
    results.map(({ stage, batchSize, seconds }) => ({
      stage,
      images: batchSize,
      ...Object.fromEntries(engines.map((engine) => [`${engine} (s)`, seconds[engine]!.toFixed(3)])),
    })),
  ),
  '',
  `\`${command}\`; ${machineLine(machine)}, TensorFlow.js ${versions['TensorFlow.js']}. Medians of ${steps} steps.`,
].join('\n');
await publish('backends', { command, machine, versions, steps, results }, markdown, {
  json: values.json,
  write: values.write,
});
