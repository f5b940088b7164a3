import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from '@beit/measurements';
import type { PretrainRecipe } from '../../recipe';
import type { RankWork } from '../model/predict';
import type { RankResult, RankTask } from './rankTask';
import type { StepTimes } from './stopwatch';

const RANK = fileURLToPath(new URL('./rank.ts', import.meta.url));
/** Micro-batches of a measured step, at most: more of them take longer and tell nothing new. */
const MOST_PARTS = 2;

/** The work of one rank, and what surrounds it. */
export interface WorkPlan {
  readonly microBatchSize: number;
  /** Micro-batches of a step. */
  readonly parts: number;
  /** Whether it trains with others; alone, with one micro-batch, the step is one program. */
  readonly together: boolean;
  /** Ranks that work at the same time on this machine. */
  readonly sideBySide: number;
  /** Threads of each, for the engine; undefined: the engine's own default. */
  readonly threads?: number;
}

export interface MeasuredWork extends RankWork {
  readonly microBatchSize: number;
  /** Most memory of a rank. */
  readonly peakBytes: number;
  readonly engine: string;
}

export type WorkTask = Omit<RankTask, 'runDir' | 'pretend'>;

/** What so many ranks side by side do in a step, each for itself, exchanging nothing. */
export async function measureWork(task: WorkTask, plan: WorkPlan): Promise<MeasuredWork> {
  const parts = Math.min(plan.parts, MOST_PARTS);
  const { microBatchSize, sideBySide } = plan;
  // One that is alone but has several micro-batches does what a rank does, but for all-reduce.
  const pretend = plan.together || parts > 1 ? 2 : 1;
  const folder = await mkdtemp(join(tmpdir(), 'beit-scaling-'));
  try {
    const results = await inParallel(
      Array.from({ length: sideBySide }, (_, i) => ({
        ...task,
        recipe: withBatch(task.recipe, pretend * parts * microBatchSize, microBatchSize),
        // What the command line says goes before what ranks would share.
        engine: { ...(plan.threads !== undefined && { numThreads: plan.threads }), ...task.engine },
        runDir: join(folder, String(i)),
        pretend,
      })),
    );
    const steps = results.flatMap((result) => result.steps);
    const of = (part: keyof StepTimes) => median(steps.map((step) => step[part]));
    return {
      microBatchSize,
      compute: of('compute') / parts,
      firstCopy: of('firstCopy'),
      otherCopies: of('otherCopies'),
      update: of('update') + of('exposed'),
      peakBytes: Math.max(...results.map(({ peakBytes }) => peakBytes)),
      engine: results[0]!.engine,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const withBatch = (recipe: PretrainRecipe, batchSize: number, microBatchSize: number): PretrainRecipe => ({
  ...recipe,
  mim: { ...recipe.mim, batchSize, microBatchSize },
});

/** All begin what is timed together. @throws when one fails; the others are ended then */
async function inParallel(tasks: readonly RankTask[]): Promise<RankResult[]> {
  const children: ChildProcess[] = [];
  const endAll = () => {
    for (const child of children) child.kill();
  };
  process.once('exit', endAll);
  try {
    let ready = 0;
    return await Promise.all(
      tasks.map(
        (task) =>
          new Promise<RankResult>((resolve, reject) => {
            const child = fork(RANK, [JSON.stringify(task)], {
              stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
            });
            children.push(child);
            child.once('error', reject);
            child.once('exit', (code, signal) =>
              reject(new Error(`A measuring process ended with ${signal ?? `status ${code}`}; see above.`)),
            );
            child.on('message', (message: 'ready' | RankResult) => {
              if (message !== 'ready') return resolve(message);
              ready += 1;
              if (ready === tasks.length) for (const one of children) one.send('go');
            });
          }),
      ),
    );
  } finally {
    endAll();
    process.off('exit', endAll);
  }
}
