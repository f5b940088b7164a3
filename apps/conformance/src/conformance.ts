import { startWorker, type Worker } from './askWorker';
import { inMode, joined, type LeafMode, type Program, programOf, type Read } from './program';
import type { RecordedTest } from './recordTests';
import type { Runner } from './runProgram';
import { runTests } from './runTests';
import type { Verdict } from './verdict';

/** A tensor that a test read, computed another way. */
export interface Comparison {
  readonly file: string;
  readonly test: string;
  readonly mode: LeafMode;
  readonly runner: Runner;
  /** What leads to the tensor. */
  readonly program: Program;
  readonly verdict: Verdict;
}

/** What is still to be compared. */
type Case = Pick<Comparison, 'file' | 'test' | 'mode' | 'program'>;

const MODES: readonly LeafMode[] = ['inputs', 'constants', 'mixed'];
/** How many tests of a file make one program, as long as all is well, and of how many kernels. */
const TOGETHER = 6;
const MOST_CALLS = 400;

/** Each read of a case by itself. */
const readsOf = ({ program, ...rest }: Case): Case[] =>
  program.reads.map((read) => ({ ...rest, program: programOf(program, [read]) }));

/**
 * Compares all reads of some cases. One program for all of them is fastest; where it is not right, smaller ones say
 * which it is, down to one read each. Right by themselves but not together is wrong, too.
 */
async function compare(cases: readonly Case[], runner: Runner, worker: Worker): Promise<Comparison[]> {
  const program = joined(cases.map((one) => one.program));
  const parts = partsOf(cases);
  const compareParts = async () => {
    const compared: Comparison[] = [];
    for (const part of parts) compared.push(...(await compare(part, runner, worker)));
    return compared;
  };
  if (cases.length > 1 && program.calls.length > MOST_CALLS) return compareParts();
  const verdict = await worker.ask({ program, runner });
  if (verdict.kind === 'equal' || parts.length === 1)
    return cases.flatMap(readsOf).map((one) => ({ ...one, runner, verdict }));
  const compared = await compareParts();
  if (compared.some((row) => row.verdict.kind !== 'equal')) return compared;
  return [...compared, { ...cases[0]!, program, runner, verdict }];
}

/** Tests, modes, reads: the first of them that are several. */
function partsOf(cases: readonly Case[]): Case[][] {
  for (const key of [({ test }: Case) => test, ({ mode }: Case) => mode]) {
    const parts = [...new Set(cases.map(key))].map((value) => cases.filter((one) => key(one) === value));
    if (parts.length > 1) return parts;
  }
  const single = cases.flatMap(readsOf);
  return single.length > 1 ? single.map((one) => [one]) : [[...cases]];
}

/** The part of a test that TensorFlow.js computes the same way again: nothing else can be compared with. */
async function reproducible(program: Program, worker: Worker): Promise<Program> {
  const equal = async (part: Program) =>
    (await worker.ask({ program: part, runner: 'cpu' })).kind === 'equal';
  if (await equal(program)) return program;
  const reads: Read[] = [];
  for (const read of program.reads) if (await equal(programOf(program, [read]))) reads.push(read);
  return programOf(program, reads);
}

export interface Conformance {
  /** By test, mode and runner. */
  readonly comparisons: readonly Comparison[];
  readonly tests: readonly RecordedTest[];
  /** How many tensors TensorFlow.js does not compute the same way twice. */
  readonly irreproducible: number;
}

/**
 * Runs TensorFlow.js's op tests and computes what they read again.
 *
 * @param filter of names such as 'ops/relu: relu basic'
 * @param processes how many at a time
 * @param onProgress told the comparisons of some tests when they are there
 */
export async function conformance(
  runners: readonly Runner[],
  filter: RegExp,
  processes: number,
  onProgress: (comparisons: readonly Comparison[], share: number) => void = () => {},
): Promise<Conformance> {
  const tests = await runTests(filter, processes);
  const groups = inGroups(tests.filter(({ program }) => program));
  // The longest first, so that no process is left with it at the end.
  const order = groups.map((_, i) => i).sort((a, b) => callsOf(groups[b]!) - callsOf(groups[a]!));
  const results: Comparison[][] = groups.map(() => []);
  let irreproducible = 0;
  let next = 0;
  let done = 0;
  const work = async () => {
    const worker = startWorker();
    try {
      while (next < groups.length) {
        const place = order[next++]!;
        const cases: Case[] = [];
        for (const { file, test, program } of groups[place]!) {
          const sound = await reproducible(program!, worker);
          irreproducible += program!.reads.length - sound.reads.length;
          if (sound.reads.length === 0) continue;
          // A program of thousands of calls takes an engine a minute: once is enough.
          for (const mode of sound.calls.length > MOST_CALLS ? MODES.slice(0, 1) : MODES) {
            const inThisMode = inMode(sound, mode);
            if (inThisMode) cases.push({ file, test, mode, program: inThisMode });
          }
        }
        for (const runner of runners) {
          if (cases.length > 0) results[place]!.push(...(await compare(cases, runner, worker)));
        }
        done += 1;
        onProgress(results[place]!, done / groups.length);
      }
    } finally {
      worker.end();
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
  return { comparisons: results.flat(), tests, irreproducible };
}

const callsOf = (tests: readonly RecordedTest[]) =>
  tests.reduce((sum, { program }) => sum + program!.calls.length, 0);

/** A few tests of one file each. */
function inGroups(tests: readonly RecordedTest[]): RecordedTest[][] {
  const groups: RecordedTest[][] = [];
  for (const test of tests) {
    const last = groups.at(-1);
    if (last && last[0]!.file === test.file && last.length < TOGETHER) last.push(test);
    else groups.push([test]);
  }
  return groups;
}
