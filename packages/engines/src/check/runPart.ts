import { fork } from 'node:child_process';
import { messageOf } from '@beit/tensors';
import { type GivenOf, PARTS, type PartName, type RowOf } from './parts/parts';
import { PROGRAM } from './places';
import type { PartError } from './rows';

/** What a part's process is told, and what it says. */
interface Order {
  readonly part: PartName;
  readonly given: unknown;
}
type Message = { readonly row: unknown } | { readonly error: string };

const ORDER = 'BEIT_CHECK_PART';
/** Characters of what a process that crashes complained of. */
const LAST_WORDS = 600;

/**
 * Runs a part in a process of its own: what crashes, hangs or leaves memory taken ends with it.
 *
 * @returns why it did not come to its end, or `undefined`
 */
export function runPart<K extends PartName>(
  part: K,
  given: GivenOf<K>,
  { seconds, onRow }: { readonly seconds: number; readonly onRow: (row: RowOf<K>) => void },
): Promise<Omit<PartError, 'part'> | undefined> {
  return new Promise((resolve) => {
    const order: Order = { part, given };
    const child = fork(PROGRAM, [], {
      env: { ...process.env, [ORDER]: JSON.stringify(order) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Infinity and NaN are numbers here.
      serialization: 'advanced',
    });
    let problem: string | undefined;
    let isLate = false;
    let isDone = false;
    let lastWords = '';
    const timer = setTimeout(() => {
      problem = `ended after ${seconds.toFixed(0)} s, its share of the time`;
      isLate = true;
      child.kill('SIGKILL');
    }, 1000 * seconds);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-LAST_WORDS);
    });
    child.on('message', (message: Message | 'done') => {
      if (message === 'done') isDone = true;
      else if ('error' in message) problem ??= message.error;
      // The process is this program: what it tells is what its part tells.
      else onRow(message.row as RowOf<K>);
    });
    child.once('error', (error) => {
      problem ??= messageOf(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (!isDone) problem ??= `crashed (${signal ?? `status ${code}`}): ${lastWords.trim()}`;
      resolve(problem === undefined ? undefined : { message: problem, ...(isLate && { isLate }) });
    });
  });
}

/** In a process that `runPart` started: does what it is for. @returns whether it was */
export async function asPart(): Promise<boolean> {
  const order = process.env[ORDER];
  if (order === undefined) return false;
  const { part, given } = JSON.parse(order) as { part: PartName; given: never };
  const say = (message: Message | 'done') =>
    new Promise<void>((resolve, reject) => {
      process.send?.(message, undefined, {}, (error) => (error ? reject(error) : resolve()));
    });
  // Whoever waited for it has ended.
  const orphaned = () => process.exit(1);
  process.once('disconnect', orphaned);
  try {
    await PARTS[part](given, (row: unknown) => say({ row }));
    await say('done');
  } catch (error) {
    await say({ error: messageOf(error) });
    await say('done');
  }
  process.off('disconnect', orphaned);
  process.disconnect();
  return true;
}
