import { type Launcher, median } from '@beit/measurements';
import { workKey } from '../model/plan';
import { measureJob } from './measureJob';
import { fitNetwork, type MeasuredNetwork, measureNetwork } from './measureNetwork';
import { type MeasuredWork, measureWork, type WorkPlan, type WorkTask } from './measureWork';
import type { RankResult } from './rankTask';
import { type StepTimes, secondsOfStep } from './stopwatch';

/** What is to be measured. */
export interface Wanted {
  readonly task: WorkTask;
  readonly work: readonly WorkPlan[];
  /** Numbers of ranks, above 1, between which all-reduce is timed. */
  readonly networks: readonly number[];
  /** Jobs that really run. */
  readonly jobs: readonly { readonly ranks: number; readonly threads?: number }[];
  /** Needed for networks and jobs. */
  readonly launcher?: Launcher;
  /** How often all of it is measured, in turns, so that a change of the machine's speed meets all of it. */
  readonly rounds: number;
}

/** Steps of ranks that trained together. */
export interface MeasuredJob {
  /** Seconds, medians over ranks and steps. */
  readonly parts: StepTimes;
  /** Seconds of the first rank's steps: median and quartiles come from these. */
  readonly steps: readonly number[];
  /** Most memory of a rank. */
  readonly peakBytes: number;
}

export interface Measured {
  readonly work: ReadonlyMap<string, MeasuredWork>;
  readonly networks: ReadonlyMap<number, MeasuredNetwork>;
  readonly jobs: ReadonlyMap<number, MeasuredJob>;
}

/** @param say what is measured now */
export async function measureAll(wanted: Wanted, say: (text: string) => void): Promise<Measured> {
  const { task, launcher, rounds } = wanted;
  const [work, networks, jobs] = [
    new Map<string, MeasuredWork[]>(),
    new Map<number, MeasuredNetwork[]>(),
    new Map<number, RankResult[][]>(),
  ];
  const into = <K, V>(map: Map<K, V[]>, key: K, value: V) => map.set(key, [...(map.get(key) ?? []), value]);
  const all = [
    ...wanted.work.map((plan) => ({
      // In the order of ranks, so that what is compared is measured within minutes.
      order: plan.sideBySide,
      title: `the work of a rank in micro-batches of ${plan.microBatchSize}, ${plan.sideBySide} side by side`,
      run: async () => into(work, workKey(plan), await measureWork(task, plan)),
    })),
    ...wanted.networks.map((ranks) => ({
      order: ranks,
      title: `all-reduce between ${ranks} ranks`,
      run: async () => into(networks, ranks, await measureNetwork(launcher!, ranks)),
    })),
    ...wanted.jobs.map(({ ranks, threads }) => ({
      order: ranks,
      title: `a job of ${ranks} rank${ranks === 1 ? '' : 's'}, training`,
      run: async () => into(jobs, ranks, [...(await measureJob(launcher!, task, ranks, threads))]),
    })),
  ].sort((a, b) => a.order - b.order);
  for (let round = 0; round < rounds; round++)
    for (const [i, { title, run }] of all.entries()) {
      say(`${round * all.length + i + 1} of ${rounds * all.length}: ${title}`);
      await run();
    }
  const combined = <K, V, R>(map: Map<K, V[]>, combine: (values: readonly V[]) => R) =>
    new Map([...map].map(([key, values]) => [key, combine(values)]));
  return {
    work: combined(work, combinedWork),
    networks: combined(networks, combinedNetwork),
    jobs: combined(jobs, combinedJob),
  };
}

const largest = (values: readonly { readonly peakBytes: number }[]) =>
  Math.max(...values.map(({ peakBytes }) => peakBytes));

function combinedWork(all: readonly MeasuredWork[]): MeasuredWork {
  const of = (part: 'compute' | 'firstCopy' | 'otherCopies' | 'update') =>
    median(all.map((one) => one[part]));
  return {
    ...all[0]!,
    compute: of('compute'),
    firstCopy: of('firstCopy'),
    otherCopies: of('otherCopies'),
    update: of('update'),
    peakBytes: largest(all),
  };
}

function combinedNetwork(all: readonly MeasuredNetwork[]): MeasuredNetwork {
  const { ranks, library, points } = all[0]!;
  const medians = points.map(({ bytes }, i) => ({
    bytes,
    seconds: median(all.map((one) => one.points[i]!.seconds)),
  }));
  return { ranks, library, points: medians, ...fitNetwork(medians, ranks) };
}

function combinedJob(rounds: readonly (readonly RankResult[])[]): MeasuredJob {
  const steps = rounds.flatMap((ranks) => ranks.flatMap((rank) => rank.steps));
  const of = (part: keyof StepTimes) => median(steps.map((step) => step[part]));
  return {
    parts: {
      waiting: of('waiting'),
      compute: of('compute'),
      firstCopy: of('firstCopy'),
      otherCopies: of('otherCopies'),
      exposed: of('exposed'),
      update: of('update'),
    },
    steps: rounds.flatMap(([first]) => first!.steps.map(secondsOfStep)),
    peakBytes: largest(rounds.flat()),
  };
}
