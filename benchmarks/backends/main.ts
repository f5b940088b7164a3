import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { compile } from '@beit/compile';
import { createDvae, dvaeBatchSpecs, dvaeTrainStep } from '@beit/dvae';
import { createMim, pretrainStep } from '@beit/mim';
import { adamW, trainState } from '@beit/optim';
import { createRandom } from '@beit/random';
import { createVit } from '@beit/vit';
import type { HostTensor } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';

const HELP = `Usage: pnpm bench:backends [options]

Seconds per training step of the default recipe's two models: TensorFlow.js's own backends that come from npm against
the compiled engine. A step is forward, backward, clipping and AdamW; the first one, which warms up, does not count, and
the median of the others is shown. About 4 minutes on 2 cores, most of them on cpu.

  --engines LIST   of cpu, wasm, onnxruntime (default: all)
  --batch N[,M]    images of a step of the tokenizer, and of masked image modelling (default: 4,16)
  --steps N        that count (default: 3)
  --json           one JSON object instead of lines
  --help           this text`;

const ENGINES = {
  cpu: { engine: 'tfjs', backend: 'cpu' },
  wasm: { engine: 'tfjs', backend: 'wasm' },
  onnxruntime: { engine: 'onnxruntime' },
} as const;
type EngineName = keyof typeof ENGINES;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== '--'),
  options: {
    help: { type: 'boolean', short: 'h' },
    json: { type: 'boolean', default: false },
    steps: { type: 'string', default: '3' },
    batch: { type: 'string', default: '4,16' },
    engines: { type: 'string', default: Object.keys(ENGINES).join() },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const steps = Number(values.steps);
const [dvaeBatch, mimBatch = dvaeBatch] = values.batch.split(',').map(Number) as [number, number?];
if (![steps, dvaeBatch, mimBatch].every((count) => Number.isSafeInteger(count) && count! > 0)) {
  throw new RangeError(`--steps ${values.steps} --batch ${values.batch}: give whole numbers above 0.`);
}
const engines = values.engines.split(',').map((name) => {
  if (!(name in ENGINES)) {
    throw new RangeError(`--engines ${values.engines}: expected some of ${Object.keys(ENGINES).join()}.`);
  }
  return name as EngineName;
});

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
    step: dvaeTrainStep(dvae, optimizer),
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
    step: pretrainStep(mim, optimizer),
    optimizer,
    params: mim.init(createRandom(0)),
    batch: {
      images: filled([mimBatch!, 64, 64, 3], () => random.normal(0, 1)),
      visualTokens: indices([mimBatch!, patches], vocabSize),
      masked: {
        positions: indices([mimBatch!, maxMasked], patches),
        weights: filled([mimBatch!, maxMasked], () => 1),
      },
    },
  };
}

async function secondsPerStep(
  { step, optimizer, params, batch }: ReturnType<typeof tokenizerStep> | ReturnType<typeof mimStep>,
  engine: EngineName,
): Promise<number> {
  const program = await compile(
    step as never,
    {
      state: trainState(params, optimizer) as never,
      inputs: { batch, scalars: optimizer.scalarSpecs } as never,
    },
    ENGINES[engine],
  );
  const times: number[] = [];
  for (let i = 0; i <= steps; i++) {
    const start = performance.now();
    await program.run({ batch, scalars: optimizer.scalars(i, 1e-4) } as never);
    times.push((performance.now() - start) / 1000);
  }
  await program.dispose();
  const counted = times.slice(1).sort((a, b) => a - b);
  return (counted[(counted.length - 1) >> 1]! + counted[counted.length >> 1]!) / 2;
}

tf.enableProdMode();
await tf.setBackend('cpu');
const results: { stage: string; batch: number; engine: EngineName; seconds: number }[] = [];
for (const [stage, batch, make] of [
  ['tokenizer', dvaeBatch, tokenizerStep],
  ['mim', mimBatch!, mimStep],
] as const) {
  for (const engine of engines) {
    const seconds = await secondsPerStep(make(), engine);
    results.push({ stage, batch, engine, seconds });
    // With --json standard output is for the object alone.
    (values.json ? console.error : console.log)(
      `${stage.padEnd(10)} ${String(batch).padStart(3)} images  ${engine.padEnd(12)} ${seconds.toFixed(3)} s`,
    );
  }
}
if (values.json) {
  const machine = { processor: cpus()[0]!.model, cores: availableParallelism(), node: process.version };
  console.log(JSON.stringify({ machine, tfjs: tf.version.tfjs, steps, results }, null, 2));
}
