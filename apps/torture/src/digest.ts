import { createHash } from 'node:crypto';
import { serialize } from 'node:v8';

export const digestOf = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');

/** Of plain data and arrays of numbers: the same for the same values, in the same order. */
export const digestOfValue = (value: unknown): string => digestOf(serialize(value));
