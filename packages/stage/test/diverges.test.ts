/** A training that diverges, or is given numbers that are none, stops at that very step, whatever computes it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompileOptions } from '@beit/compile';
import { createDvae, type DvaeBatch, dvaeLoss, uniformNoise } from '@beit/dvae';
import { createMim, pretrainLoss } from '@beit/mim';
import { adamW } from '@beit/optim';
import { createRandom } from '@beit/random';
import { type HostTensor, scalar } from '@beit/tensors';
import { NonFiniteError } from '@beit/trainer';
import { createVit } from '@beit/vit';
import { isInstalled } from '../../../tooling/jest/whereInstalled';
import { type StageLoader, trainStage } from '../src';

const IMAGES = 2;
const SIDE = 8;
const PIXELS = SIDE * SIDE * 3;
const STEPS = 6;
/** 0-based. */
const POISONED = 2;

interface Loaded {
  readonly images: HostTensor;
  readonly number: number;
}

/** Pictures of which one has one color of one pixel that is no number, at step `POISONED`, 0-based. */
const loader = (poison: number | undefined): StageLoader<Loaded> => ({
  batchSize: IMAGES,
  microBatchSize: IMAGES,
  stepsPerEpoch: 4,
  parts: 1,
  async *microBatches(step) {
    const random = createRandom('pictures', step);
    const data = Float32Array.from({ length: IMAGES * PIXELS }, () => random.uniform(0, 1));
    if (poison !== undefined && step === POISONED) data[PIXELS + 5 * 3 + 1] = poison;
    yield [step, { images: { dtype: 'float32', shape: [IMAGES, SIDE, SIDE, 3], data }, number: step }];
  },
  namesOf: (step) => [`picture of step ${step}`],
  unreadable: () => [],
  close: async () => {},
});

const vit = createVit({ imageSize: SIDE, patchSize: 2, embedDim: 8, depth: 2, numHeads: 2 });
const mim = createMim({ backbone: vit, vocabSize: 8 });
const dvae = createDvae({ vocabSize: 8, hiddenDim: 4, decoderInitDim: 4, numGroups: 2, blocksPerGroup: 1 });
const int32 = (shape: number[], value: (i: number) => number): HostTensor => ({
  dtype: 'int32',
  shape,
  data: Int32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => value(i)),
});

interface Case {
  readonly engine: CompileOptions;
  readonly learningRate?: number;
  readonly poison?: number | undefined;
}

let runDir: string;
beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'diverges-'));
});
afterEach(() => rmSync(runDir, { recursive: true }));

const common = ({ learningRate = 1e-3, poison }: Case) => ({
  loader: loader(poison),
  totalSteps: STEPS,
  schedules: { learningRate: () => learningRate },
});
const silent = { update: () => {}, message: () => {}, stop: () => {} };

const trainMim = (how: Case) =>
  trainStage(
    {
      ...common(how),
      name: 'mim',
      loss: pretrainLoss(mim),
      optimizer: adamW({ clipNorm: 1 }),
      params: mim.init(createRandom(1)),
      batch: ({ images }: Loaded) => ({
        batch: {
          images,
          visualTokens: int32([IMAGES, 16], (i) => i % 8),
          masked: {
            // Not the first patches, in which the poisoned pixel is.
            positions: int32([IMAGES, 4], (i) => 8 + (i % 4)),
            weights: { dtype: 'float32', shape: [IMAGES, 4], data: new Float32Array(4 * IMAGES).fill(1) },
          },
        },
        weight: 4 * IMAGES,
      }),
    },
    { runDir, engine: how.engine, progress: silent },
  );
const trainTokenizer = (how: Case) =>
  trainStage(
    {
      ...common(how),
      name: 'tokenizer',
      loss: (params, batch: DvaeBatch) => dvaeLoss(dvae, params, batch),
      optimizer: adamW({ clipNorm: 1 }),
      params: dvae.init(createRandom(1)),
      batch: ({ images, number }: Loaded) => ({
        batch: {
          images,
          uniform: uniformNoise([IMAGES, ...dvae.gridSize(SIDE), 8], 0, number),
          temperature: scalar(1),
          klWeight: scalar(1),
          usageWeight: scalar(0.5),
        },
        weight: IMAGES,
      }),
    },
    { runDir, engine: how.engine, progress: silent },
  );

/** What training that stops has to say. */
async function stopped(train: (how: Case) => Promise<unknown>, how: Case) {
  const error = await train(how).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof NonFiniteError)) throw error ?? new Error('Training went on to its end.');
  return error.postMortem;
}

const ENGINES: CompileOptions[] = [
  { engine: 'tfjs' },
  { engine: 'onnxruntime' },
  ...(isInstalled('OpenVINO')
    ? [{ engine: 'openvino' } as const, { engine: 'openvino', precision: 'bf16' } as const]
    : []),
  ...(isInstalled('XLA') ? [{ engine: 'xla', device: 'cpu' } as const] : []),
];

describe.each(ENGINES)('on %j', (engine) => {
  describe.each([
    ['masked image modelling', trainMim, 4],
    ['a tokenizer', trainTokenizer, 2],
  ] as const)('%s', (_, train, diverged) => {
    test('stops at the step of a pixel that is no number', async () => {
      const { step, nonFinite, batch } = await stopped(train, { engine, poison: Number.NaN });
      expect([step, batch]).toEqual([POISONED + 1, [`picture of step ${POISONED}`]]);
      expect(nonFinite).toEqual(expect.arrayContaining(['loss', 'gradNorm']));
    });
    test('stops at the step in which a learning rate of 1e6 ends', async () => {
      const { step, nonFinite, history } = await stopped(train, { engine, learningRate: 1e6 });
      expect(step).toBe(diverged);
      expect(nonFinite).toEqual(expect.arrayContaining(['loss', 'gradNorm']));
      // Until then it got worse and worse, in numbers.
      expect(history.map(({ step }) => step)).toEqual(Array.from({ length: step - 1 }, (_, i) => i + 1));
      for (const { loss, gradNorm } of history) {
        expect([Number.isFinite(loss), Number.isFinite(gradNorm)]).toEqual([true, true]);
      }
    });
  });
});
