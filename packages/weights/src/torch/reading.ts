import type { FileHandle } from 'node:fs/promises';
import { readBytes } from '../withFile';

/** Bytes `[begin, end)` of a file. */
export interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

/** A parser that asks for the bytes it needs next, so that one parser serves files and memory. */
export type Reading<T> = Generator<ByteRange, T, Uint8Array>;

export function readFromBytes<T>(reading: Reading<T>, bytes: Uint8Array): T {
  let step = reading.next();
  while (!step.done) step = reading.next(bytes.subarray(step.value.begin, step.value.end));
  return step.value;
}

export async function readFromFile<T>(reading: Reading<T>, file: FileHandle): Promise<T> {
  let step = reading.next();
  while (!step.done) {
    const { begin, end } = step.value;
    step = reading.next(await readBytes(file, begin, end - begin));
  }
  return step.value;
}
