/**
 * What the experiment on CIFAR-10 trains and measures, as commands of the apps: nothing here is special, so that each can
 * be repeated by hand.
 */
import { join } from 'node:path';
import type { Job } from '@beit/experiments';

/** What pre-training predicts, and how it masks: the method, and what the paper takes out of it (table 4). */
export const METHODS = ['beit', 'random', 'pixels'] as const;
export type Method = (typeof METHODS)[number];

export interface Cifar10Settings {
  /** Of everything that is compared, pre-training included. */
  readonly seeds: readonly number[];
  readonly tokenizerEpochs: number;
  readonly pretrainingEpochs: number;
  /** Of pre-trainings of the first seed, beside `pretrainingEpochs`. */
  readonly otherPretrainingEpochs: readonly number[];
  /** Shares of the patches that are masked in pre-trainings of the first seed, beside the recipe's 0.4. */
  readonly maskRatios: readonly number[];
  readonly finetuningEpochs: number;
  /** From scratch, also so many times as many epochs. */
  readonly longer: number;
  /** Of the epochs, and of the labels, with which pre-training is to make up for it. */
  readonly fewer: number;
  /** Of the labels, beside all of them; in as many steps. */
  readonly labelShares: readonly number[];
  /** Peak learning rates, each the best of some for its start on the pictures that are held out. */
  readonly learningRate: { readonly pretrained: number; readonly scratch: number };
}

/** A pre-training: its method, or the one thing that is otherwise. */
export interface Pretraining {
  readonly method: Method | 'untrained tokenizer';
  readonly seed: number;
  readonly epochs: number;
  readonly maskRatio?: number;
}

export interface PretrainingJob extends Job {
  readonly kind: 'pretraining';
  readonly of: Pretraining;
}

/** undefined: from scratch. */
type Start = Pretraining | undefined;

export interface FinetuningJob extends Job {
  readonly kind: 'finetuning';
  readonly start: Start;
  readonly seed: number;
  readonly epochs: number;
  /** Of the labels. */
  readonly share: number;
}

/** Of a fine-tuned network on the pictures for testing. */
export interface TestJob extends Job {
  readonly kind: 'test';
  readonly model: FinetuningJob;
}

export interface ProbeJob extends Job {
  readonly kind: 'probe';
  readonly start: Pretraining;
}

export type Cifar10Job = PretrainingJob | FinetuningJob | TestJob | ProbeJob;

const PATCHES = 64;

/** @param runs folder of all of them; absolute path, as `data` */
export function cifar10Plan(
  runs: string,
  data: string,
  settings: Cifar10Settings,
  engine: readonly string[],
): Cifar10Job[] {
  const { seeds, pretrainingEpochs, finetuningEpochs, longer, fewer } = settings;
  const [firstSeed] = seeds as readonly [number];
  const tokenizer = join(runs, 'tokenizer');
  const untrained = join(runs, 'tokenizer-untrained');

  const pretrain = (folder: string, json: object, ...more: string[]): Job => {
    const path = `${folder}.json`;
    const args = ['--recipe', path, '--data', data, '--out', folder, ...more, ...engine];
    return {
      app: 'pretrain',
      folder,
      args,
      needs: [],
      recipe: { path, json: { extends: 'cifar10', ...json } },
    };
  };
  const mimOf = (epochs: number) => ({ epochs, warmupEpochs: epochs / 10 });

  /** The first stage alone, in effect: the second one is as short as it can be. */
  const tokenizers: PretrainingJob[] = [
    { folder: tokenizer, stage: { epochs: settings.tokenizerEpochs } },
    // Steps that change nothing.
    { folder: untrained, stage: { epochs: 1e-6, learningRate: [1e-12, 1e-12] } },
  ].map(({ folder, stage }) => ({
    ...pretrain(folder, { name: 'cifar10-tokenizer', tokenizer: stage, mim: mimOf(1e-6) }),
    kind: 'pretraining',
    of: { method: 'beit', seed: 0, epochs: 0 },
  }));

  const nameOfStart = ({ method, seed, epochs, maskRatio }: Pretraining) =>
    [
      method.replace(' ', '-'),
      ...(maskRatio === undefined ? [] : [`ratio-${maskRatio}`]),
      `epochs-${epochs}`,
      `seed-${seed}`,
    ].join('-');

  function pretraining(of: Pretraining): PretrainingJob {
    const { method, seed, epochs, maskRatio } = of;
    const needs = method === 'pixels' ? [] : [method === 'untrained tokenizer' ? untrained : tokenizer];
    const mim = {
      ...mimOf(epochs),
      ...(method === 'pixels' && { target: 'pixels' }),
      ...(maskRatio !== undefined && { masking: { numMaskingPatches: Math.round(maskRatio * PATCHES) } }),
    };
    const job = pretrain(
      join(runs, nameOfStart(of)),
      { name: `cifar10-${method.replace(' ', '-')}`, mim, seed },
      ...needs.flatMap((run) => ['--tokenizer', join(run, 'tokenizer.safetensors')]),
      ...(method === 'random' ? ['--masking', 'random'] : []),
    );
    return { ...job, kind: 'pretraining', of, needs };
  }

  function finetuning(start: Start, seed: number, epochs: number, share = 1): FinetuningJob {
    const begun = start ? nameOfStart(start) : 'scratch';
    const folder = join(runs, `finetune-${begun}-for-${epochs}-labels-${share}-seed-${seed}`);
    const path = `${folder}.json`;
    const { learningRate } = settings;
    const json = {
      extends: 'cifar10',
      name: 'cifar10-finetuning',
      start: start ? 'checkpoint' : 'scratch',
      epochs,
      warmupEpochs: epochs / 10,
      learningRate: start ? learningRate.pretrained : learningRate.scratch,
      // From scratch all layers learn alike.
      ...(!start && { layerDecay: 1 }),
      seed,
    };
    const needs = start ? [join(runs, nameOfStart(start))] : [];
    const args = [
      ...['--recipe', path, '--data', data, '--out', folder, '--label-share', String(share)],
      ...needs.flatMap((run) => ['--checkpoint', run]),
      ...engine,
    ];
    return {
      app: 'classify',
      folder,
      args,
      needs,
      recipe: { path, json },
      kind: 'finetuning',
      start,
      seed,
      epochs,
      share,
    };
  }

  function tested(model: FinetuningJob): readonly [FinetuningJob, TestJob] {
    const folder = `${model.folder}-test`;
    const args = [
      'evaluate',
      '--part',
      'test',
      '--model',
      model.folder,
      '--data',
      data,
      '--out',
      folder,
      ...engine,
    ];
    return [model, { app: 'classify', folder, args, needs: [model.folder], kind: 'test', model }];
  }

  function probe(start: Pretraining): ProbeJob {
    const checkpoint = join(runs, nameOfStart(start));
    const folder = `${checkpoint}-probe`;
    const args = [
      'probe',
      '--recipe',
      'cifar10',
      '--checkpoint',
      checkpoint,
      '--data',
      data,
      '--out',
      folder,
      ...engine,
    ];
    return {
      app: 'classify',
      folder,
      results: 'probe.json',
      args,
      needs: [checkpoint],
      kind: 'probe',
      start,
    };
  }

  const compared = seeds.flatMap((seed) =>
    METHODS.map((method): Pretraining => ({ method, seed, epochs: pretrainingEpochs })),
  );
  const first = { method: 'beit', seed: firstSeed, epochs: pretrainingEpochs } as const;
  const alone: Pretraining[] = [
    ...settings.otherPretrainingEpochs.map((epochs) => ({ ...first, epochs })),
    ...settings.maskRatios.map((maskRatio) => ({ ...first, maskRatio })),
    { ...first, method: 'untrained tokenizer' },
  ];
  const ofSeed = (seed: number): FinetuningJob[] => {
    const beit = { method: 'beit', seed, epochs: pretrainingEpochs } as const;
    return [
      ...compared
        .filter((start) => start.seed === seed)
        .map((start) => finetuning(start, seed, finetuningEpochs)),
      finetuning(undefined, seed, finetuningEpochs),
      finetuning(undefined, seed, finetuningEpochs * longer),
      finetuning(beit, seed, finetuningEpochs * fewer),
      ...settings.labelShares.flatMap((share) =>
        [beit, undefined].map((start) => finetuning(start, seed, finetuningEpochs, share)),
      ),
    ];
  };
  return [
    ...tokenizers,
    ...compared.map(pretraining),
    ...seeds.flatMap(ofSeed).flatMap(tested),
    probe(first),
    ...alone.flatMap((start) => [
      pretraining(start),
      ...tested(finetuning(start, start.seed, finetuningEpochs)),
    ]),
  ];
}
