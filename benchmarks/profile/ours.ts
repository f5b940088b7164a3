/** Pre-training steps with a profile, in a process of its own. Argument: `ProfileTask` as JSON; prints a `ProfiledStep`. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { availableEngines, compile, type EngineName, type Precision } from '@beit/compile';
import { pretrainStep } from '@beit/mim';
import { trainState } from '@beit/optim';
import * as tf from '@tensorflow/tfjs';
import type { Absent } from '../shared/alternate';
import { collectGarbage } from '../shared/collectGarbage';
import { createTask, type Task } from '../trainStep/task';
import { type Kind, kindOf } from './kinds';

export interface ProfileTask extends Task {
  readonly engine: EngineName;
  readonly precision: Precision;
  readonly threads: number;
  readonly steps: number;
}

/** Means of all steps. */
export interface ProfiledStep {
  readonly milliseconds: Readonly<Record<Kind, number>>;
  /** From the call to its end. */
  readonly stepMilliseconds: number;
}

interface Kernel {
  readonly op: string;
  readonly milliseconds: number;
}

/** What OpenVINO's profile has: means of all runs, see `OpenvinoOptions`. */
const openvinoKernels = (profile: string) => JSON.parse(profile) as Kernel[];

/** What onnxruntime's has: Chrome's trace events, of every run. */
const onnxruntimeKernels = (profile: string, steps: number): Kernel[] =>
  (JSON.parse(profile) as { cat: string; name: string; dur: number; args?: { op_name?: string } }[])
    .filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'))
    .map(({ dur, args }) => ({ op: args!.op_name!, milliseconds: dur / 1000 / steps }));

async function profiled(task: ProfileTask, folder: string): Promise<ProfiledStep | Absent> {
  const { engine, precision, threads, steps } = task;
  if (!(await availableEngines()).includes(engine))
    return { absent: `the engine ${engine} is not installed` };
  const { mim, optimizer, params, batch, scalars } = createTask(task);
  tf.enableProdMode();
  const program = await compile(
    pretrainStep(mim, optimizer),
    { state: trainState(params, optimizer), inputs: { batch, scalars: scalars(0) } },
    { engine, precision, numThreads: threads, profile: join(folder, 'profile') },
  );
  collectGarbage();
  const start = performance.now();
  for (let i = 0; i < steps; i++) await program.run({ batch, scalars: scalars(i) });
  const stepMilliseconds = (performance.now() - start) / steps;
  await program.dispose();

  const profile = await readFile(join(folder, (await readdir(folder))[0]!), 'utf8');
  const kernels = engine === 'openvino' ? openvinoKernels(profile) : onnxruntimeKernels(profile, steps);
  const milliseconds: Partial<Record<Kind, number>> = {};
  for (const { op, milliseconds: time } of kernels) {
    const kind = kindOf(op);
    milliseconds[kind] = (milliseconds[kind] ?? 0) + time;
  }
  return { milliseconds: milliseconds as Record<Kind, number>, stepMilliseconds };
}

const folder = await mkdtemp(join(tmpdir(), 'beit-profile-'));
try {
  console.log(JSON.stringify(await profiled(JSON.parse(process.argv[2]!) as ProfileTask, folder)));
} finally {
  await rm(folder, { recursive: true, force: true });
}
