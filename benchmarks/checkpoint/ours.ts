/** Checkpoints of one state, in a process of its own. Argument: `CheckpointArguments` as JSON; prints `CheckpointTimes`. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { createMim } from '@beit/mim';
import { adamW, trainState } from '@beit/optim';
import { createRandom } from '@beit/random';
import { cloneTensors, flattenTensors, type HostTensor, scalar } from '@beit/tensors';
import { silentProgress, train } from '@beit/trainer';
import { createVit } from '@beit/vit';
import { STATES } from './states';

export interface CheckpointArguments {
  readonly state: keyof typeof STATES;
  readonly checkpoints: number;
  /** Where a folder for them is made. Default: the system's for temporary ones. */
  readonly folder?: string | undefined;
}

/** Seconds of each checkpoint. */
export interface CheckpointTimes {
  readonly state: keyof typeof STATES;
  readonly bytes: number;
  /** From the end of a step to the next one. */
  readonly still: readonly number[];
  readonly checksum: readonly number[];
  /** The same bytes into one file, without anything else, until the disk has them. */
  readonly written: readonly number[];
}

async function measure({
  state,
  checkpoints,
  folder = tmpdir(),
}: CheckpointArguments): Promise<CheckpointTimes> {
  const { model, vocabSize } = STATES[state];
  const params = createMim({ backbone: createVit(model), vocabSize }).init(
    createRandom('benchmark', 'params'),
  );
  // Moments that are no zeros: a disk may write those faster.
  const groups = Object.keys(trainState(params, adamW({})));
  const held = Object.fromEntries(groups.map((group) => [group, cloneTensors(params)]));
  const arrays = Object.values(flattenTensors(held)).map(({ data }) => bytesOf(data));

  const runDir = await mkdtemp(join(folder, 'beit-checkpoint-'));
  try {
    const [still, checksum, written]: number[][] = [[], [], []];
    let ended: number | undefined;
    await train({
      name: 'benchmark',
      program: {
        async run() {
          if (ended !== undefined) still!.push(secondsSince(ended));
          checksum!.push(await secondsOf(() => arrays.reduce((value, bytes) => crc32(bytes, value), 0)));
          written!.push(await secondsOf(() => writeAll(join(runDir, 'bytes'), arrays)));
          ended = performance.now();
          return { loss: scalar(0) };
        },
        // As engines do, which hold it in their own memory.
        readState: async () => Object.fromEntries(groups.map((group) => [group, cloneTensors(held[group]!)])),
        writeState: async () => {},
      },
      batch: async () => undefined,
      totalSteps: checkpoints + 1,
      checkpointEvery: 1,
      imagesPerStep: 1,
      runDir,
      config: {},
      progress: silentProgress,
    });
    const bytes = arrays.reduce((sum, array) => sum + array.length, 0);
    return { state, bytes, still: still!, checksum: checksum!, written: written! };
  } finally {
    await rm(runDir, { recursive: true, force: true });
  }
}

async function writeAll(path: string, arrays: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const bytes of arrays) await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: HostTensor['data']) =>
  new Uint8Array(buffer, byteOffset, byteLength);

const secondsSince = (start: number) => (performance.now() - start) / 1000;

async function secondsOf(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return secondsSince(start);
}

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as CheckpointArguments)));
