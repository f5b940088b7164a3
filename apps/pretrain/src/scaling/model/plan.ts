import { shareOf } from '@beit/stage';
import { BUCKET_BYTES } from '@beit/trainer';
import type { PretrainRecipe } from '../../recipe';
import type { WorkPlan } from '../measure/measureWork';
import { type Network, predictStep, type RankWork, type StepSeconds } from './predict';

/** What is planned: stage 2 of a recipe. */
export interface Task {
  /** Images of all ranks together. */
  readonly batchSize: number;
  readonly microBatchSize: number;
  /** Steps of the whole training. */
  readonly steps: number;
  readonly gradientBytes: number;
  readonly bucketBytes: number;
}

/** @param images of an epoch. @param parameters numbers that have gradients */
export const taskOf = (
  {
    batchSize,
    microBatchSize,
    epochs,
  }: Pick<PretrainRecipe['mim'], 'batchSize' | 'microBatchSize' | 'epochs'>,
  images: number,
  parameters: number,
): Task => ({
  batchSize,
  microBatchSize,
  steps: Math.round(epochs * Math.floor(images / batchSize)),
  gradientBytes: parameters * Float32Array.BYTES_PER_ELEMENT,
  bucketBytes: BUCKET_BYTES,
});

/** Where ranks are. */
export interface Placement {
  readonly ranks: number;
  /** At most; undefined: all are on one. */
  readonly ranksPerMachine?: number;
  /** Processors of one machine, which ranks share; undefined: each has a device of its own. */
  readonly processors?: number;
}

/** What is known of ranks and of the network between them. */
export interface Known {
  work(plan: WorkPlan): RankWork;
  network(ranks: number): Network;
}

export interface Plan extends Placement {
  readonly machines: number;
  readonly work: WorkPlan;
  /** Ranks of a machine over its processors, where there are more of them. */
  readonly crowding: number;
}

export interface Prediction extends Plan {
  readonly seconds: StepSeconds;
  readonly imagesPerSecond: number;
  /** The whole training, without evaluations. */
  readonly totalSeconds: number;
  /** Images a second over those of one rank that has a machine or a device to itself. */
  readonly speedup: number;
  /** The share of its own rate that a machine (or device) keeps with the recipe's batch for all together. */
  readonly strong: number;
  /** The same when each machine (or device) has the recipe's batch. */
  readonly weak: number;
}

/** @throws when ranks cannot have equal shares */
export function planOf(task: Task, placement: Placement, batches = 1): Plan {
  const { ranks, ranksPerMachine = ranks, processors } = placement;
  const local = Math.min(ranks, ranksPerMachine);
  const { microBatchSize, parts } = shareOf(task.batchSize * batches, task.microBatchSize, ranks);
  const sideBySide = Math.min(local, processors ?? local);
  return {
    ...placement,
    machines: Math.ceil(ranks / ranksPerMachine),
    crowding: local / sideBySide,
    work: {
      microBatchSize,
      parts,
      together: ranks > 1,
      sideBySide,
      // One alone has what the engine takes by itself, as without a launcher.
      ...(processors !== undefined && local > 1 && { threads: Math.max(1, Math.floor(processors / local)) }),
    },
  };
}

/** A step of so many batches: the recipe's, shared; or one for each machine or device, which is weak scaling. */
function stepOf(task: Task, placement: Placement, known: Known, batches: number): StepSeconds {
  const { work, crowding, ranks } = planOf(task, placement, batches);
  const network = ranks === 1 ? { bandwidth: Number.POSITIVE_INFINITY, latency: 0 } : known.network(ranks);
  return predictStep(known.work(work), network, { ...task, ranks, parts: work.parts, crowding });
}

/** What shares a batch in weak scaling: machines where ranks share processors, else devices. */
const unitsOf = ({ ranks, ranksPerMachine = ranks, processors }: Placement): number =>
  processors === undefined ? ranks : Math.ceil(ranks / ranksPerMachine);

/** Steps of one rank alone and of many. */
export function predict(task: Task, placement: Placement, known: Known): Prediction {
  const units = unitsOf(placement);
  const alone = stepOf(task, { ...placement, ranks: 1 }, known, 1).step;
  const seconds = stepOf(task, placement, known, 1);
  const weak = units === 1 ? seconds : stepOf(task, placement, known, units);
  return {
    ...planOf(task, placement),
    seconds,
    imagesPerSecond: task.batchSize / seconds.step,
    totalSeconds: task.steps * seconds.step,
    speedup: alone / seconds.step,
    strong: alone / (units * seconds.step),
    weak: alone / weak.step,
  };
}

/** All that has to be known of ranks for these predictions, each once. */
export function neededWork(task: Task, placements: readonly Placement[]): WorkPlan[] {
  const plans = placements.flatMap((placement) => [
    planOf(task, { ...placement, ranks: 1 }),
    planOf(task, placement),
    planOf(task, placement, unitsOf(placement)),
  ]);
  return [...new Map(plans.map(({ work }) => [workKey(work), work])).values()];
}

/** Equal for plans whose measurement is the same. */
export const workKey = ({ microBatchSize, parts, together, sideBySide, threads }: WorkPlan): string =>
  [microBatchSize, together || parts > 1, sideBySide, threads ?? 'all'].join(' ');
