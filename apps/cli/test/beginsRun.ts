/** A process that begins a run without saying where: writes which folder it got. `node beginsRun.ts RUNS opens|fails` */
import { setTimeout } from 'node:timers/promises';
import { newFolder } from '../src/run/runFolder';
import { lockRun } from '../src/run/runLock';

const [runs, how] = process.argv.slice(2);
const folder = await newFolder(undefined, 'small', runs);
if (how === 'opens') lockRun(folder);
process.stdout.write(folder);
await setTimeout(500);
