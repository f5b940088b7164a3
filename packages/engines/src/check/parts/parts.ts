import { devices } from './devices';
import { parity } from './parity';
import type { Part } from './part';
import { resume } from './resume';
import { speed } from './speed';
import { twoDevices } from './twoDevices';

/** By name, as a process is told which one it is to be. */
export const PARTS = { devices, parity, resume, speed, twoDevices };
export type PartName = keyof typeof PARTS;
export type GivenOf<K extends PartName> =
  (typeof PARTS)[K] extends Part<infer Given, infer _> ? Given : never;
export type RowOf<K extends PartName> = (typeof PARTS)[K] extends Part<infer _, infer Row> ? Row : never;
