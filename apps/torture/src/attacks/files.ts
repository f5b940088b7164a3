import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from '@beit/random';
import { type Attack, type Case, failed, SURVIVED, type Verdict } from '../attack';
import { digestOfValue } from '../digest';
import type { Changed, Format } from '../files/format';
import { mutate } from '../files/mutate';
import type { Reading } from '../files/reader';
import { memoryOf, processorSeconds } from '../process';

/** Files of a case: a process is worth more than one. */
export const FILES = 100;
/** Of processors: others may keep them busy. */
const MOST_SECONDS = 5;
/** For one that waits for what never comes. */
const TIME_LIMIT_MS = 30_000;
/** Beyond what the process takes for itself. */
const MEMORY_LIMIT = 512 * 2 ** 20;

/** Messages of the language itself, which tell people nothing. */
export const RAW =
  /Cannot (read propert|set propert|convert undefined|access '|destructure|mix BigInt)|is not (a function|iterable|defined)|Invalid (array|typed array|array buffer) length|call stack|allocation failed/;

/** Changed files of a format: read, or refused by an error that names them, in little time and memory. */
export const files = (format: Format): Attack => ({
  name: `files-${format.name}`,
  about: `${FILES} changed files of the kind ${format.name}: ${format.isExact ? 'the same' : 'read'} or refused by name, within 5 s and 512 MiB each`,
  attempt: (one) => tryFiles(format, one),
});

/** @param onRead is told of each file that was read */
export async function tryFiles(
  format: Format,
  { random, folder }: Case,
  onRead: (path: string) => void = () => {},
): Promise<Verdict> {
  const whole = join(folder, 'whole');
  await mkdir(whole);
  const made = await format.make(whole);
  const reader = await startReader(format);
  try {
    const path = join(whole, `whole${format.ending}`);
    await writeFile(path, made);
    const { error, digest } = await ask(reader, path);
    if (error) return failed(`${path}, which is whole, is refused: ${error.stack}`);
    for (let i = 0; i < FILES; i++) {
      const own = join(folder, String(i));
      await mkdir(own);
      if (format.needsWhole) await format.make(own);
      const path = join(own, `file-${i}${format.ending}`);
      const drawn = createRandom(random.uint32(), i);
      const changed = format.change?.(made, drawn) ?? { bytes: mutate(made, drawn) };
      await writeFile(path, changed.bytes);
      const reading = await ask(reader, path);
      const wrong = whatIsWrong(reading, changed, digest);
      if (wrong !== undefined) return failed(`${path} ${wrong}`);
      if (!reading.error) onRead(path);
    }
    return SURVIVED;
  } catch (cause) {
    if (cause instanceof NoAnswer) return failed(cause.message);
    throw cause;
  } finally {
    reader.child.kill('SIGKILL');
  }
}

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

/** A reader that took too long or too much, or came to its end. */
class NoAnswer extends Error {}

/** @throws NoAnswer */
async function ask({ child, memory }: Reader, path: string): Promise<Reading> {
  let largest = 0;
  const given = new AbortController();
  const seconds = processorSeconds(child);
  const watching = setInterval(() => {
    largest = Math.max(largest, memoryOf(child));
    if (processorSeconds(child) - seconds > MOST_SECONDS) given.abort();
  }, 50);
  const reading = once(child, 'message', { signal: given.signal }) as Promise<[Reading]>;
  const end = once(child, 'exit', { signal: given.signal });
  const late = setTimeout(() => given.abort(), TIME_LIMIT_MS);
  child.send(path);
  try {
    const result = await Promise.race([reading.then(([told]) => told), end.then(() => 'ended' as const)]);
    const mebibytes = Math.round((largest - memory) / 2 ** 20);
    if (result === 'ended')
      throw new NoAnswer(`${path}: the process ended with ${child.exitCode ?? child.signalCode}`);
    if (largest - memory > MEMORY_LIMIT) throw new NoAnswer(`${path}: took ${mebibytes} MiB`);
    return result;
  } catch (error) {
    if (!given.signal.aborted) throw error;
    throw new NoAnswer(`${path}: no answer in ${MOST_SECONDS} s of processors, or ${TIME_LIMIT_MS / 1000} s`);
  } finally {
    clearTimeout(late);
    clearInterval(watching);
    given.abort();
    for (const promise of [reading, end]) promise.catch(() => {});
  }
}

/** An error must be meant for people, and name the file or its folder: it may be another file, which this one told of. */
function wrongWithError(
  { name, message, stack }: NonNullable<Reading['error']>,
  path: string,
  keys: readonly string[] | undefined,
): string | undefined {
  if (RAW.test(message) || ['TypeError', 'ReferenceError', 'SyntaxError'].includes(name)) return `: ${stack}`;
  if (![basename(path), dirname(path)].some((text) => message.includes(text)))
    return `is not named by: ${message}`;
  if (keys && !keys.some((key) => message.includes(key)))
    return `has other values of ${keys.join(', ')}, none of which is named by: ${message}`;
  return undefined;
}

/** @param whole what the whole file says, where that can be compared */
function whatIsWrong(
  { path, error, digest }: Reading,
  { means, keys }: Pick<Changed, 'means' | 'keys'>,
  whole: string | undefined,
): string | undefined {
  if (!error) {
    const right = means === undefined ? whole : digestOfValue(means);
    return digest !== undefined && digest !== right ? 'says something else, and that is taken' : undefined;
  }
  if (means !== undefined) return `is whole, and refused: ${error.stack}`;
  return wrongWithError(error, path, keys);
}
