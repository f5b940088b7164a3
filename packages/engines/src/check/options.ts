import { parseArgs } from 'node:util';
import type { Precision } from '@beit/compile';
import { PJRT_DEVICES, type PjrtDevice } from '@beit/installed';
import { assertArguments } from '../assertArguments';

export const HELP = `Usage: beit-engine check [--engine xla] [--device D] [options]

What the engine does on this machine: versions and devices; its numbers against those of the reference implementations; a
ViT-B/16 pre-training step in each precision, at batches that double until memory ends; a checkpoint, and a run that goes
on from it; two devices against one. Prints tables in Markdown, to be pasted into an issue. Exits with 1 where numbers
are wrong.

  --device D       ${PJRT_DEVICES.join(', ')}; default: the best that is there
  --plugin PATH    XLA's plugin, a file or a folder of Python packages; default: searched for
  --python PROGRAM a Python: its plugin, and where it has PyTorch or JAX, the same step there beside ours
  --minutes N      for all of it; default 10
  --max-batch N    images in a step at most; default 4096, on CPUs 32
  --precision P    fp32, tf32 or bf16 alone
  --small          a small network and a few fixtures: seconds instead of minutes
  --json FILE      all of it as JSON, too
  -h, --help       this text`;

export interface CheckOptions {
  readonly device?: PjrtDevice;
  readonly plugin?: string;
  readonly python?: string;
  readonly minutes: number;
  readonly maxBatch?: number;
  readonly precision?: Precision;
  readonly small: boolean;
  readonly json?: string;
}

const PRECISIONS = ['fp32', 'tf32', 'bf16'] as const satisfies readonly Precision[];

/** @returns `undefined` where help is asked for */
export function parseOptions(args: readonly string[]): CheckOptions | undefined {
  const config = {
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h' },
      engine: { type: 'string', default: 'xla' },
      device: { type: 'string' },
      plugin: { type: 'string' },
      python: { type: 'string' },
      minutes: { type: 'string', default: '10' },
      'max-batch': { type: 'string' },
      precision: { type: 'string' },
      small: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  } as const;
  assertArguments(config);
  const { values } = parseArgs(config);
  if (values.help) return undefined;
  const { engine, plugin, python, small, json, 'max-batch': maxBatch } = values;
  if (engine !== 'xla') throw new Error(`The check is there for engine 'xla'; asked for: '${engine}'.`);
  return {
    ...(values.device !== undefined && { device: oneOf('device', values.device, PJRT_DEVICES) }),
    ...(plugin !== undefined && { plugin }),
    ...(python !== undefined && { python }),
    minutes: positive('minutes', values.minutes),
    ...(maxBatch !== undefined && { maxBatch: positive('max-batch', maxBatch) }),
    ...(values.precision !== undefined && { precision: oneOf('precision', values.precision, PRECISIONS) }),
    small,
    ...(json !== undefined && { json }),
  };
}

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw new Error(`--${option} is one of ${known.join(', ')}; given: '${value}'.`);
  return found;
}

function positive(option: string, value: string): number {
  const number = Number(value);
  if (!(number > 0)) throw new Error(`--${option} is a number above 0; given: '${value}'.`);
  return number;
}
