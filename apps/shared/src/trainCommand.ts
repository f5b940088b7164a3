import { interruptSignal, type ProgressReporter, terminalProgress } from '@beit/trainer';
import { describeEngine, type EngineOptions } from './engineOptions';
import { printSummary } from './printSummary';
import type { SummaryRow } from './report/reportData';

/** What a run of any app comes to. */
export interface RunResult {
  readonly interrupted: boolean;
  /** Empty when interrupted. */
  readonly summary: readonly SummaryRow[];
  /** Path of the page. */
  readonly report?: string;
}

export interface TrainCommand {
  /** Of the recipe. */
  readonly about: string;
  readonly engine: EngineOptions;
  readonly out: string;
  readonly quiet: boolean;
  /** What the summary was measured on: `on validation images`. */
  readonly measuredOn: string;
  run(progress: ProgressReporter, signal: AbortSignal): Promise<RunResult>;
}

/** Trains, with progress and a summary in the terminal; Ctrl-C saves and stops. @returns the exit status */
export async function trainCommand({
  about,
  engine,
  out,
  quiet,
  measuredOn,
  run,
}: TrainCommand): Promise<number> {
  const progress = terminalProgress({ quiet });
  const interrupt = interruptSignal();
  progress.message(`${about}\nEngine: ${await describeEngine(engine)}\nWriting to ${out}`);
  const result = await run(progress, interrupt.signal);
  interrupt.release();
  if (result.interrupted) {
    console.error(`Stopped and saved. Continue with the same command and: --resume --out ${out}`);
    return 130;
  }
  printSummary(measuredOn, result.summary);
  console.log(`\nThe report: ${result.report}`);
  return 0;
}
