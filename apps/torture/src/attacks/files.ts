import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from '@beit/random';
import { type Attack, failed, SURVIVED, type Verdict } from '../attack';
import type { Format } from '../files/formats';
import { mutate } from '../files/mutate';
import type { Reading } from '../files/reader';

/** Files of a case: a process is worth more than one. */
const FILES = 100;
const TIME_LIMIT_MS = 5_000;
/** Beyond what the process takes for itself. */
const MEMORY_LIMIT = 512 * 2 ** 20;

/** Messages of the language itself, which tell people nothing. */
const RAW =
  /Cannot (read propert|set propert|convert undefined|access '|destructure|mix BigInt)|is not (a function|iterable|defined)|Invalid (array|typed array|array buffer) length|call stack|allocation failed/;

/** Changed files of a format: read, or refused by an error that names them, in little time and memory. */
export const files = (format: Format): Attack => ({
  name: `files-${format.name}`,
  about: `${FILES} changed files of the kind ${format.name}: read or refused by name, within 5 s and 512 MiB each`,
  async attempt({ random, folder }) {
    const whole = join(folder, 'whole');
    await mkdir(whole);
    const made = await format.make(whole);
    const reader = await startReader(format);
    try {
      for (let i = 0; i < FILES; i++) {
        const own = join(folder, String(i));
        await mkdir(own);
        const path = join(own, `file-${i}${format.ending}`);
        await writeFile(path, mutate(made, createRandom(random.uint32(), i)));
        const verdict = await judge(reader, path);
        if (!verdict.survived) return verdict;
      }
      return SURVIVED;
    } finally {
      reader.child.kill('SIGKILL');
    }
  },
});

interface Reader {
  readonly child: ChildProcess;
  /** Bytes that it took before it read anything. */
  readonly memory: number;
}

async function startReader({ name }: Format): Promise<Reader> {
  const script = fileURLToPath(new URL('../files/reader.ts', import.meta.url));
  const execArgv = ['--conditions=@beit/source', '--import', import.meta.resolve('tsx')];
  const child = fork(script, [name], { execArgv, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  await once(child, 'message');
  return { child, memory: memoryOf(child) };
}

async function judge({ child, memory }: Reader, path: string): Promise<Verdict> {
  let largest = 0;
  const watching = setInterval(() => {
    largest = Math.max(largest, memoryOf(child));
  }, 50);
  const given = new AbortController();
  const reading = once(child, 'message', { signal: given.signal }) as Promise<[Reading]>;
  const end = once(child, 'exit', { signal: given.signal });
  const late = setTimeout(() => given.abort(), TIME_LIMIT_MS);
  child.send(path);
  try {
    const result = await Promise.race([reading.then(([told]) => told), end.then(() => 'ended' as const)]);
    const mebibytes = Math.round((largest - memory) / 2 ** 20);
    if (result === 'ended')
      return failed(`${path}: the process ended with ${child.exitCode ?? child.signalCode}`);
    if (largest - memory > MEMORY_LIMIT) return failed(`${path}: took ${mebibytes} MiB`);
    const { error } = result;
    if (!error) return SURVIVED;
    if (RAW.test(error.message) || ['TypeError', 'ReferenceError', 'SyntaxError'].includes(error.name))
      return failed(`${path}: ${error.stack}`);
    // It may be another file that it names, which this one told of.
    if (![basename(path), dirname(path)].some((name) => error.message.includes(name)))
      return failed(`${path} is not named by: ${error.message}`);
    return SURVIVED;
  } catch {
    return failed(`${path}: no answer for ${TIME_LIMIT_MS / 1000} s`);
  } finally {
    clearTimeout(late);
    clearInterval(watching);
    given.abort();
    for (const promise of [reading, end]) promise.catch(() => {});
  }
}

/** Resident bytes; 0 where the system does not tell. */
function memoryOf({ pid }: ChildProcess): number {
  try {
    return 4096 * Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  } catch {
    return 0;
  }
}
