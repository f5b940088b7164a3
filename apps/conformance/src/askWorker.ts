import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Question } from './replayWorker';
import type { Verdict } from './verdict';

/** How a script of this folder is started, from TypeScript. */
export const EXEC_ARGV = ['--conditions=@beit/source', '--import', 'tsx'];
export const scriptPath = (name: string) => fileURLToPath(new URL(`${name}.ts`, import.meta.url));

/** A process that answers questions one at a time, and is started again when it dies. */
export interface Worker {
  ask(question: Question): Promise<Verdict>;
  end(): void;
}

/** No program of a test takes a second. */
const TIME_LIMIT = 120_000;

export function startWorker(): Worker {
  let child: ChildProcess | undefined;
  const start = () =>
    new Promise<ChildProcess>((resolve, reject) => {
      const started = fork(scriptPath('replayWorker'), [], {
        execArgv: EXEC_ARGV,
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      // Read, so that the pipe never fills up.
      started.stderr!.on('data', () => {});
      started.once('message', () => resolve(started));
      started.once('exit', (code) => reject(new Error(`A worker ended at its start, with status ${code}.`)));
    });
  return {
    async ask(question) {
      child ??= await start();
      const asked = child;
      return new Promise((resolve) => {
        const timer = setTimeout(() => asked.kill('SIGKILL'), TIME_LIMIT);
        const settle = (verdict: Verdict) => {
          clearTimeout(timer);
          asked.off('exit', ended).off('message', settle);
          resolve(verdict);
        };
        const ended = (code: number | null, signal: string | null) => {
          child = undefined;
          const how =
            signal === 'SIGKILL' ? `no answer within ${TIME_LIMIT / 1000} s` : (signal ?? `status ${code}`);
          settle({ kind: 'crash', message: `The process ended: ${how}.` });
        };
        asked.once('exit', ended).once('message', settle);
        asked.send(question);
      });
    },
    end: () => child?.kill(),
  };
}
