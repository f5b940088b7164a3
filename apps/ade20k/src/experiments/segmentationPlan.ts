/** What the experiment trains, as commands of the three apps. */
import { join } from 'node:path';
import { BEIT_COLOR_JITTER } from '@beit/data';
import type { Job } from '@beit/experiments';

/** What segmentation begins with. */
export const STARTS = ['scratch', 'beit', 'beitIntermediate'] as const;
export type Start = (typeof STARTS)[number];

export interface SegmentationSettings {
  /** Seeds of training on scenes. */
  readonly seeds: readonly number[];
  /** Share of the emoji that neither pre-training nor any training sees; what is measured on. */
  readonly heldOutShare: number;
  readonly tokenizerEpochs: number;
  readonly pretrainingEpochs: number;
  /** Epochs of intermediate fine-tuning, on subgroups of the emoji. */
  readonly intermediateEpochs: number;
  /** Classes of it are the subgroups of at least so many emoji, of each at most so many. */
  readonly imagesPerClass: readonly [number, number];
  /** Scenes. */
  readonly training: number;
  readonly validation: number;
  readonly steps: number;
  /** How many of them are evaluated; the last is the result. */
  readonly evaluations: number;
}

export interface SegmentationJob extends Job {
  readonly start: Start;
  readonly seed: number;
}

export interface SegmentationPlan {
  readonly pretraining: readonly Job[];
  readonly training: readonly SegmentationJob[];
}

/** As behind the objects of scenes: what is learned of objects before plain backgrounds does not carry over to them. */
const VIEWS = { background: 'textured' } as const;

/** For intermediate fine-tuning: crops and colors as in pre-training, without which it learns its few pictures by heart. */
const AUGMENTATION = { crop: { scale: [0.35, 1] }, colorJitter: BEIT_COLOR_JITTER } as const;

/** @param runs folder of all of them; absolute path */
export function segmentationPlan(
  runs: string,
  settings: SegmentationSettings,
  engine: readonly string[],
): SegmentationPlan {
  const { seeds, heldOutShare, tokenizerEpochs, pretrainingEpochs, intermediateEpochs } = settings;
  const recipeOf = (folder: string, json: object) => ({
    path: `${folder}.json`,
    json: { extends: 'emoji', ...json },
  });
  const args = (folder: string, ...more: string[]) => [
    ...['--recipe', `${folder}.json`, '--out', folder],
    ...more,
    ...engine,
  ];

  const beit = join(runs, 'beit');
  const intermediate = join(runs, 'beit-intermediate');
  const pretraining: Job = {
    app: 'pretrain',
    folder: beit,
    args: args(beit),
    needs: [],
    recipe: recipeOf(beit, {
      data: { heldOutShare },
      views: VIEWS,
      tokenizer: { epochs: tokenizerEpochs },
      mim: { epochs: pretrainingEpochs, warmupEpochs: pretrainingEpochs / 8 },
    }),
  };
  const classification: Job = {
    app: 'classify',
    folder: intermediate,
    args: args(intermediate, '--checkpoint', beit),
    needs: [beit],
    recipe: recipeOf(intermediate, {
      data: { heldOutShare, imagesPerClass: settings.imagesPerClass },
      views: { ...VIEWS, augmentation: AUGMENTATION },
      labelSmoothing: 0.1,
      learningRate: 1e-3,
      epochs: intermediateEpochs,
      warmupEpochs: intermediateEpochs / 10,
    }),
  };
  const checkpoints = { scratch: undefined, beit, beitIntermediate: intermediate };

  const train = (start: Start, seed: number): SegmentationJob => {
    const folder = join(runs, `${start}-seed-${seed}`);
    const checkpoint = checkpoints[start];
    const { training, validation, steps, evaluations } = settings;
    const json = {
      name: `segmentation-${start}`,
      data: { training, validation, heldOutShare },
      start: checkpoint === undefined ? 'scratch' : 'checkpoint',
      // From scratch all layers learn alike.
      ...(checkpoint === undefined && { layerDecay: 1 }),
      steps,
      warmupSteps: Math.round(steps / 10),
      evaluateEvery: Math.max(1, Math.round(steps / evaluations)),
      seed,
    };
    return {
      app: 'ade20k',
      folder,
      args: args(folder, ...(checkpoint === undefined ? [] : ['--checkpoint', checkpoint])),
      needs: checkpoint === undefined ? [] : [checkpoint],
      recipe: recipeOf(folder, json),
      start,
      seed,
    };
  };
  return {
    pretraining: [pretraining, classification],
    training: seeds.flatMap((seed) => STARTS.map((start) => train(start, seed))),
  };
}
