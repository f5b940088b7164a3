import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize } from 'node:v8';
import { EXEC_ARGV, scriptPath } from './askWorker';
import { bundleTests, testFiles } from './bundleTests';
import type { RecordedTest } from './recordTests';

/**
 * Runs TensorFlow.js's op tests on its `cpu` backend, in several processes.
 *
 * @param filter of names such as 'ops/relu: relu basic'
 * @returns the tests, in the order of the files
 * @throws when a process ends early
 */
export async function runTests(filter: RegExp, processes: number): Promise<RecordedTest[]> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const files = await testFiles();
    const bundle = join(folder, 'tests.cjs');
    await bundleTests(files, bundle);
    const parts = await Promise.all(
      Array.from({ length: processes }, (_, i) => {
        const share = files.filter((_file, j) => j % processes === i);
        return recordShare(share, filter, bundle, join(folder, `${i}`));
      }),
    );
    return parts.flat().sort((a, b) => (a.file < b.file ? -1 : Number(a.file > b.file)));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function recordShare(
  files: readonly string[],
  filter: RegExp,
  bundle: string,
  result: string,
): Promise<RecordedTest[]> {
  const child = fork(scriptPath('recordTests'), [bundle, JSON.stringify(files), filter.source, result], {
    execArgv: EXEC_ARGV,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [status, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (status !== 0) {
    throw new Error(
      `The process that runs TensorFlow.js's tests ended with ${signal ?? `status ${status}`}.`,
    );
  }
  return deserialize(await readFile(result)) as RecordedTest[];
}
