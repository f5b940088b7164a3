import { startWorker, type Worker } from './askWorker';
import { type Program, programOf, type Read } from './program';
import { recordPrograms } from './recordPrograms';
import type { LeafMode, Runner } from './runProgram';
import type { Verdict } from './verdict';

/** One tensor that a test read, computed another way. */
export interface Comparison {
  readonly file: string;
  readonly test: string;
  readonly runner: Runner;
  readonly mode: LeafMode;
  /** What leads to the tensor. */
  readonly program: Program;
  readonly verdict: Verdict;
}

export interface Conformance {
  readonly comparisons: readonly Comparison[];
  readonly tests: number;
  readonly failed: readonly string[];
  /** Tensors that TensorFlow.js itself does not compute again with the same numbers: nothing to compare with. */
  readonly irreproducible: readonly Comparison[];
}

const MODES: readonly LeafMode[] = ['inputs', 'constants'];

/** Every tensor that a test read, by every runner and with leaves of both kinds. */
async function judge(program: Program, runners: readonly Runner[], { ask }: Worker): Promise<Comparison[]> {
  const { file, test } = program;
  const compared: Comparison[] = [];
  const compare = async (reads: readonly Read[], runner: Runner, mode: LeafMode): Promise<Comparison[]> => {
    const part = (some: readonly Read[], verdict: Verdict) => ({
      file,
      test,
      runner,
      mode,
      verdict,
      program: programOf(program, some),
    });
    const together = await ask({ program: programOf(program, reads), runner, mode });
    // One program for all is faster; one for each says which it is.
    if (together.kind === 'equal' || reads.length === 1) return reads.map((read) => part([read], together));
    const single: Comparison[] = [];
    for (const read of reads) single.push(...(await compare([read], runner, mode)));
    // Right one by one, but not in one program.
    return single.some(({ verdict }) => verdict.kind !== 'equal') ? single : [part(reads, together)];
  };
  const again = await compare(program.reads, 'cpu', 'constants');
  compared.push(...again);
  const reads = again.flatMap(({ verdict, program: { reads } }, i) =>
    verdict.kind === 'equal' && reads.length === 1 ? [program.reads[i]!] : [],
  );
  if (reads.length === 0) return compared;
  for (const runner of runners)
    for (const mode of MODES) compared.push(...(await compare(reads, runner, mode)));
  return compared;
}

/**
 * Runs TensorFlow.js's op tests and computes what they read again.
 *
 * @param filter which tests
 * @param processes how many at a time
 */
export async function conformance(
  runners: readonly Runner[],
  filter: RegExp,
  processes: number,
  onProgress: (done: number, all: number) => void = () => {},
): Promise<Conformance> {
  const { programs, tests, failed } = await recordPrograms(filter, processes);
  const results: Comparison[][] = [];
  let next = 0;
  const work = async () => {
    const worker = startWorker();
    try {
      while (next < programs.length) {
        const i = next++;
        results[i] = await judge(programs[i]!, runners, worker);
        onProgress(next, programs.length);
      }
    } finally {
      worker.end();
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
  const all = results.flat();
  return {
    comparisons: all.filter(({ runner }) => runner !== 'cpu'),
    irreproducible: all.filter(({ runner, verdict }) => runner === 'cpu' && verdict.kind !== 'equal'),
    tests,
    failed,
  };
}
