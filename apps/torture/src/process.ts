import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether it was ended because it took too long. */
  readonly timedOut: boolean;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** No run here takes so long. */
const TIME_LIMIT_MS = 180_000;

/** Starts a process; one that takes too long is ended, and that is told. */
export function launch(
  [program, ...args]: readonly string[],
  { env, timeLimit = TIME_LIMIT_MS }: { env?: NodeJS.ProcessEnv; timeLimit?: number } = {},
): Running {
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]!.setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, timeLimit);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, timedOut, ...texts });
    });
  });
  return { child, ended };
}

/** By itself, or by a signal. */
export const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

export const runToEnd = (command: readonly string[]): Promise<Ended> => launch(command).ended;

/** Resident bytes of a process and of those that it started; 0 where the system does not tell. */
export function memoryOf({ pid }: Pick<ChildProcess, 'pid'>): number {
  try {
    const own = 4096 * Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    return childrenOf(pid!).reduce((sum, child) => sum + memoryOf({ pid: child }), own);
  } catch {
    return 0;
  }
}

/** Seconds of processors that a process has taken, and those that it started; 0 where the system does not tell. */
export function processorSeconds({ pid }: Pick<ChildProcess, 'pid'>): number {
  try {
    // Behind the name, which may have blanks: the 14th to 17th fields of all, in hundredths; the last two are of the dead.
    const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
    const own = rest
      .split(' ')
      .slice(11, 15)
      .reduce((sum, field) => sum + Number(field) / 100, 0);
    return childrenOf(pid!).reduce((sum, child) => sum + processorSeconds({ pid: child }), own);
  } catch {
    return 0;
  }
}

/** Those that any of its threads started. */
const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
