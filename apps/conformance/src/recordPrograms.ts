import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXEC_ARGV, scriptPath } from './askWorker';
import { bundleTests, testFiles } from './bundleTests';
import type { Program } from './program';
import type { Recorded } from './recordTests';

export interface Recording {
  readonly programs: readonly Program[];
  /** How many tests ran. */
  readonly tests: number;
  /** Tests that TensorFlow.js's own `cpu` backend fails. */
  readonly failed: readonly string[];
}

/**
 * Runs TensorFlow.js's op tests on its `cpu` backend, in several processes.
 *
 * @returns what each test computed and read, in the order of the files
 * @throws when a process ends early
 */
export async function recordPrograms(filter: RegExp, processes: number): Promise<Recording> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const files = await testFiles();
    const bundle = join(folder, 'tests.cjs');
    await bundleTests(files, bundle);
    const shares = Array.from({ length: processes }, (_, i) =>
      files.filter((_file, j) => j % processes === i),
    );
    const parts = await Promise.all(shares.map((share) => recordShare(bundle, share, filter)));
    return {
      programs: parts
        .flatMap(({ programs }) => programs)
        .sort((a, b) => (a.file < b.file ? -1 : Number(a.file > b.file))),
      tests: parts.reduce((sum, { tests }) => sum + tests, 0),
      failed: parts.flatMap(({ failed }) => failed),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const recordShare = (bundle: string, files: readonly string[], filter: RegExp) =>
  new Promise<Recording>((resolve, reject) => {
    const programs: Program[] = [];
    const failed: string[] = [];
    let tests = 0;
    const child = fork(scriptPath('recordTests'), [bundle, JSON.stringify(files), filter.source], {
      execArgv: EXEC_ARGV,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (message: Recorded) => {
      if (message.kind === 'program') programs.push(message.program);
      else if (message.kind === 'done') resolve({ programs, tests, failed });
      else {
        tests += 1;
        if (!message.passed) failed.push(`${message.file}: ${message.test}`);
      }
    });
    child.once('exit', (code, signal) =>
      reject(
        new Error(`The process that runs TensorFlow.js's tests ended with ${signal ?? `status ${code}`}.`),
      ),
    );
  });
