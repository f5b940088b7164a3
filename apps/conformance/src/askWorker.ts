import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serialize } from 'node:v8';
import type { Question } from './answer';
import type { Verdict } from './verdict';

/** How a script of this folder is started, from TypeScript. */
export const EXEC_ARGV = ['--conditions=@beit/source', '--import', 'tsx'];
export const scriptPath = (name: string) => fileURLToPath(new URL(`${name}.ts`, import.meta.url));

/** A process that answers questions one at a time, and is started again when it dies. */
export interface Worker {
  ask(question: Question): Promise<Verdict>;
  end(): void;
}

/** Some tests' programs take a second. */
const TIME_LIMIT = 240_000;

/** @param script of the process */
export function startWorker(script = scriptPath('replayWorker')): Worker {
  let child: ChildProcess | undefined;
  // Questions go through a file: node's channel takes minutes for some millions of numbers.
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  const file = join(folder, 'question');
  const start = () =>
    new Promise<ChildProcess>((resolve, reject) => {
      const started = fork(script, [], {
        execArgv: EXEC_ARGV,
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      // Read, so that the pipe never fills up.
      started.stderr!.on('data', () => {});
      started.once('message', () => resolve(started));
      started.once('exit', (code) => reject(new Error(`A worker ended at its start, with status ${code}.`)));
    });
  return {
    async ask(question) {
      writeFileSync(file, serialize(question));
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
        asked.send(file);
      });
    },
    end() {
      child?.kill();
      rmSync(folder, { recursive: true });
    },
  };
}
