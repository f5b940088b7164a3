import { join } from 'node:path';
import { assertAgreement, type Communicator, connectMpi } from '@beit/mpi';
import type { SummaryRow } from '@beit/report';
import { interruptSignal, type ProgressReporter, silentProgress, terminalProgress } from '@beit/trainer';
import { describeEngine, type EngineOptions } from '../options/engineOptions';
import { printSummary } from './printSummary';
import { programVersion } from './programVersion';
import { FinishedRun, isBegun, isFinished } from './runFolder';

/** What a run of any app comes to. */
export interface RunResult {
  readonly interrupted: boolean;
  /** Empty when interrupted. */
  readonly summary: readonly SummaryRow[];
  /** Path of the page. */
  readonly report?: string;
}

export interface TrainCommand {
  /** What the recipe says of itself. */
  readonly about: string;
  readonly engine: EngineOptions;
  readonly out: string;
  readonly quiet: boolean;
  /** What the summary was measured on: `on validation images`. */
  readonly measuredOn: string;
  /** What all processes of a job must have alike, beside program, engine and folder: the recipe. */
  readonly agreement: Readonly<Record<string, unknown>>;
  run(progress: ProgressReporter, signal: AbortSignal, job: Communicator): Promise<RunResult>;
}

/**
 * Trains, with progress and a summary in the terminal; Ctrl-C saves and stops. Started by mpirun or srun, the processes
 * train together, and the first one of them speaks. Of a run that is finished it says so.
 *
 * @returns the exit status
 */
export async function trainCommand({
  about,
  engine,
  out,
  quiet,
  measuredOn,
  agreement,
  run,
}: TrainCommand): Promise<number> {
  // Before the engines, whose libraries are loaded through koffi too.
  const job = await connectMpi();
  const isFirst = job.rank === 0;
  if (job.size > 1)
    await assertAgreement(job, { version: await programVersion(), engine, out, ...agreement });
  const sayFinished = async () => {
    if (isFirst) console.log(`The run in ${out} is finished. The report: ${join(out, 'report.html')}`);
    await job.close();
    return 0;
  };
  if (isBegun(out) && isFinished(out)) return sayFinished();
  const progress = isFirst ? terminalProgress({ quiet }) : silentProgress;
  const interrupt = interruptSignal();
  const together = job.size > 1 ? `${job.size} processes, with ${job.library}\n` : '';
  if (isFirst)
    progress.message(`${about}\n${together}Engine: ${await describeEngine(engine)}\nWriting to ${out}`);
  const result = await run(progress, interrupt.signal, job).catch((error) => {
    if (error instanceof FinishedRun) return undefined;
    throw error;
  });
  interrupt.release();
  if (!result) return sayFinished();
  await job.close();
  if (!isFirst) return result.interrupted ? 130 : 0;
  if (result.interrupted) {
    console.error(
      isBegun(out)
        ? `Stopped and saved. Continue with: --resume --out ${out}`
        : 'Stopped before the first step: there is nothing to continue.',
    );
    return 130;
  }
  printSummary(measuredOn, result.summary);
  console.log(`\nThe report: ${result.report}`);
  return 0;
}
