/**
 * The paper's pre-training on hardware that is not at hand: what was reported, what is assumed, and what follows.
 * https://arxiv.org/abs/2106.08254v2, section 2.5 and table 12: 800 epochs in batches of 2,048, and "about five days using
 * 16 Nvidia Telsa V100 32GB GPU cards".
 */
import { countImages } from '../../countImages';
import { RECIPES } from '../../recipes';
import { countRecipe, type RecipeCounts } from './countRecipe';
import { hardwareWork, LATENCY, PCIE_3_X16 } from './hardware';
import { type Memory, memoryOf } from './memory';
import { type Prediction, predict, type Task, taskOf } from './plan';

export const REPORTED = { gpus: 16, days: 5, memoryGiB: 32 } as const;
/** Operations a second of a V100 SXM2's tensor cores, half precision: https://www.nvidia.com/en-us/data-center/v100/ */
const V100_PEAK = 125e12;

const SHARES_OF_PEAK = [0.1, 0.2, 0.3];
const BANDWIDTHS = [10e9 / 8, 25e9 / 8, 100e9 / 8];
const DAY = 86_400;

export interface PaperRow {
  /** The share of the peak that a GPU alone is assumed to reach. */
  readonly shareOfPeak: number;
  /** Bytes a second of a GPU's share of the network. */
  readonly bandwidth: number;
  readonly prediction: Prediction;
}

export interface PaperPlan {
  readonly task: Task;
  readonly counts: Omit<RecipeCounts, 'activationBytes'>;
  readonly peak: number;
  readonly latency: number;
  readonly copyBandwidth: number;
  /** What the reported days come to: images a second of a GPU, and their share of the peak. */
  readonly reported: { readonly imagesPerSecond: number; readonly shareOfPeak: number };
  readonly rows: readonly PaperRow[];
  /** The memory of a GPU, in float32. */
  readonly memory: Memory;
}

/** Everything in it is predicted, but for `REPORTED`. */
export async function paperPlan(): Promise<PaperPlan> {
  const recipe = RECIPES.find(({ name }) => name === 'beit-base-imagenet1k')!;
  const { activationBytes, ...counts } = await countRecipe(recipe);
  const { batchSize } = recipe.mim;
  const images = await countImages(recipe, undefined);
  const microBatchSize = batchSize / REPORTED.gpus;
  const task = taskOf({ ...recipe.mim, microBatchSize }, images, counts.parameters);
  const flops = counts.trainFlops + counts.tokenizeFlops;
  const imagesPerSecond = (task.steps * batchSize) / (REPORTED.days * DAY) / REPORTED.gpus;
  return {
    task,
    counts,
    peak: V100_PEAK,
    latency: LATENCY,
    copyBandwidth: PCIE_3_X16,
    reported: { imagesPerSecond, shareOfPeak: (imagesPerSecond * flops) / V100_PEAK },
    rows: SHARES_OF_PEAK.flatMap((shareOfPeak) =>
      BANDWIDTHS.map((bandwidth) => ({
        shareOfPeak,
        bandwidth,
        prediction: onGpus(task, flops, shareOfPeak, bandwidth, REPORTED.gpus),
      })),
    ),
    memory: memoryOf(counts.parameters, activationBytes(microBatchSize), true),
  };
}

/** @param flops of an image, the tokenizer's with them */
export const onGpus = (
  task: Task,
  flops: number,
  shareOfPeak: number,
  bandwidth: number,
  ranks: number,
): Prediction =>
  predict(
    task,
    { ranks, ranksPerMachine: 1 },
    {
      work: ({ microBatchSize, together, parts }) =>
        hardwareWork(
          { imagesPerSecond: (shareOfPeak * V100_PEAK) / flops, copyBandwidth: PCIE_3_X16 },
          microBatchSize,
          together || parts > 1,
          task,
        ),
      network: () => ({ bandwidth, latency: LATENCY }),
    },
  );
