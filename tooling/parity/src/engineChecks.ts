import type { Precision } from '@beit/compile';
import { adamwParity } from './adamwParity';
import { bfloat16Tolerance } from './bfloat16Tolerance';
import { classifyParity } from './classifyParity';
import { dvaeParity } from './dvaeParity';
import { setrMlaParity, setrNaiveParity, uperNetParity } from './headParity';
import type { EngineCheck, Measurement } from './measurement';
import { mimParity } from './mimParity';
import { setrPupParity } from './setrPupParity';

/** By the beginning of the file name. */
const ENGINE_CHECKS: readonly (readonly [prefix: string, check: EngineCheck])[] = [
  ['mim-', mimParity],
  ['classify.', classifyParity],
  ['dvae', dvaeParity],
  ['adamw', adamwParity],
  ['setr-pup', setrPupParity],
  ['setr-naive', setrNaiveParity],
  ['setr-mla', setrMlaParity],
  ['upernet', uperNetParity],
];

/** What compares an engine with the fixture of a file name; `undefined` where no engine takes part. */
export const engineCheck = (file: string): EngineCheck | undefined =>
  ENGINE_CHECKS.find(([prefix]) => file.startsWith(prefix))?.[1];

const TOLERANCE = 1e-4;

/** The largest error that an engine may make in a precision. */
export function toleranceOf(file: string, { group, tolerance }: Measurement, precision: Precision): number {
  if (tolerance !== undefined) return tolerance;
  const inBfloat16 = precision === 'fp32' ? undefined : bfloat16Tolerance(file, group);
  if (inBfloat16 === undefined) return TOLERANCE;
  // TF32 keeps three bits more: an eighth of the error, with room for one that falls on the other side of a ReLU.
  return precision === 'bf16' ? inBfloat16 : Math.max(TOLERANCE, inBfloat16 / 4);
}
