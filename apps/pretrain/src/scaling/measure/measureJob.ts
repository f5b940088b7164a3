import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Launcher, launchJson } from '@beit/measurements';
import type { WorkTask } from './measureWork';
import type { RankResult, RankTask } from './rankTask';

/** The real thing: so many ranks that train together. @returns what each measured, in the order of ranks */
export async function measureJob(
  launcher: Launcher,
  task: WorkTask,
  ranks: number,
  threads: number | undefined,
): Promise<readonly RankResult[]> {
  const runDir = await mkdtemp(join(tmpdir(), 'beit-scaling-'));
  try {
    const engine = { ...(threads !== undefined && { numThreads: threads }), ...task.engine };
    const own: RankTask = { ...task, engine, runDir };
    return await launchJson<readonly RankResult[]>(
      launcher,
      ranks,
      new URL('./rank.ts', import.meta.url),
      own,
    );
  } finally {
    await rm(runDir, { recursive: true, force: true });
  }
}
