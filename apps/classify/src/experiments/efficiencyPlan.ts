/**
 * What the experiment trains, as commands of the two apps: nothing here is special, so that each run can be repeated
 * by hand.
 */
import { join } from 'node:path';
import type { Job } from '@beit/experiments';

/** The share of epochs and of labels with which pre-training is to make up for it. */
export const FIFTH = 0.2;

/** From scratch the paper's networks are trained three times as long as they are fine-tuned: 300 epochs against 100. */
export const LONGER = 3;

/** What fine-tuning begins with. */
export const STARTS = ['scratch', 'beit', 'random', 'pixels'] as const;
export type Start = (typeof STARTS)[number];
type Pretraining = Exclude<Start, 'scratch'>;
/** At every share of the labels; the others with all labels only. */
export const COMPARED = ['scratch', 'beit'] as const satisfies readonly Start[];

export interface EfficiencySettings {
  /** Seeds of fine-tuning. */
  readonly seeds: readonly number[];
  /** Pre-trainings of each kind, from seeds 0, 1, ...; the seeds of fine-tuning begin with them in turn. */
  readonly pretrainings: number;
  /** Share of the emoji that neither pre-training nor fine-tuning sees; what is measured on. */
  readonly heldOutShare: number;
  /** Classes are the subgroups of at least so many emoji, of each at most so many. */
  readonly imagesPerClass: readonly [number, number];
  readonly tokenizerEpochs: number;
  readonly pretrainingEpochs: number;
  readonly finetuningEpochs: number;
  /** Peak learning rates, each the best of some for its start; see the result page. */
  readonly learningRate: { readonly pretrained: number; readonly scratch: number };
  /** For what is pre-trained; from scratch all layers learn alike. */
  readonly layerDecay: number;
  /** Shares of the labels at which scratch and BEiT are compared, the whole first; in as many steps at each. */
  readonly labelShares: readonly number[];
}

export interface FinetuningJob extends Job {
  readonly start: Start;
  readonly seed: number;
  /** Share of the labels. */
  readonly share: number;
  readonly epochs: number;
}

export interface EfficiencyPlan {
  readonly pretraining: readonly Job[];
  readonly finetuning: readonly FinetuningJob[];
}

export function efficiencyPlan(
  runs: string,
  settings: EfficiencySettings,
  engine: readonly string[],
): EfficiencyPlan {
  const { seeds, pretrainings, heldOutShare, tokenizerEpochs, pretrainingEpochs } = settings;
  const pretrained = (start: Pretraining, seed: number) => join(runs, `${start}-seed-${seed}`);
  const firstRun = pretrained('beit', 0);

  const pretraining = (start: Pretraining, seed: number): Job => {
    const folder = pretrained(start, seed);
    const path = `${folder}.json`;
    const json = {
      extends: 'emoji',
      name: `efficiency-${start}`,
      data: { heldOutShare },
      tokenizer: { epochs: tokenizerEpochs },
      mim: {
        epochs: pretrainingEpochs,
        warmupEpochs: pretrainingEpochs / 8,
        ...(start === 'pixels' && { target: 'pixels' }),
      },
      seed,
    };
    // One tokenizer for all, so that starts and seeds differ in what they are to differ in.
    const needs = folder === firstRun || start === 'pixels' ? [] : [firstRun];
    const tokenizer = needs.flatMap((run) => ['--tokenizer', join(run, 'tokenizer.safetensors')]);
    const masking = start === 'random' ? ['--masking', 'random'] : [];
    const args = ['--recipe', path, '--out', folder, ...tokenizer, ...masking, ...engine];
    return { app: 'pretrain', folder, args, needs, recipe: { path, json } };
  };

  const finetuning = (start: Start, seed: number, share: number, epochs: number): FinetuningJob => {
    const { learningRate, layerDecay } = settings;
    const folder = join(runs, `classify-${start}-seed-${seed}-labels-${share}-epochs-${epochs}`);
    const path = `${folder}.json`;
    const scratch = start === 'scratch';
    const json = {
      extends: 'emoji',
      name: `efficiency-${start}`,
      data: { heldOutShare, imagesPerClass: settings.imagesPerClass },
      start: scratch ? 'scratch' : 'checkpoint',
      epochs,
      warmupEpochs: epochs / 20,
      learningRate: scratch ? learningRate.scratch : learningRate.pretrained,
      layerDecay: scratch ? 1 : layerDecay,
      seed,
    };
    const needs = scratch ? [] : [pretrained(start, seed % pretrainings)];
    const args = [
      ...['--recipe', path, '--out', folder, '--label-share', String(share)],
      ...needs.flatMap((run) => ['--checkpoint', run]),
      ...engine,
    ];
    return { app: 'classify', folder, args, needs, recipe: { path, json }, start, seed, share, epochs };
  };

  const { finetuningEpochs, labelShares } = settings;
  return {
    pretraining: Array.from({ length: pretrainings }, (_, seed) =>
      (['beit', 'pixels', 'random'] as const).map((start) => pretraining(start, seed)),
    ).flat(),
    finetuning: seeds.flatMap((seed) => [
      ...STARTS.map((start) => finetuning(start, seed, 1, finetuningEpochs)),
      finetuning('scratch', seed, 1, finetuningEpochs * LONGER),
      finetuning('beit', seed, 1, finetuningEpochs * FIFTH),
      finetuning('beit', seed, FIFTH, finetuningEpochs),
      ...labelShares
        .filter((share) => share < 1)
        .flatMap((share) => COMPARED.map((start) => finetuning(start, seed, share, finetuningEpochs))),
    ]),
  };
}
