/** What XLA makes of BEiT's pre-training step for a GPU that need not be here: of ours, and of JAX's. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileForGpu, exportStablehlo } from '@beit/compile';
import { describeMachine, machineLine, markdownTable, runJson } from '@beit/measurements';
import { pretrainStep } from '@beit/mim';
import { trainState } from '@beit/optim';
import * as tf from '@tensorflow/tfjs';
import { isAbsent } from '../shared/alternate';
import { integer, publishedCommandLine } from '../shared/commandLine';
import { SHARED } from '../shared/measureSteps';
import { publish } from '../shared/publish';
import { pythonEnvironment } from '../shared/pythonEnvironment';
import { createTask, MODELS, type Task } from '../trainStep/task';
import { gpuCounts } from './gpuCounts';
import { writeTask } from './task';

const values = publishedCommandLine(
  `Usage: pnpm bench:xla-gpu [options]

What XLA makes of a ViT-B/16 pre-training step for an NVIDIA H100, by the plugin for CUDA, on a machine that need not have
one: memory, kernels, and bytes that they write. Of ours in fp32, tf32 and bf16, and of JAX's. Products are those of cuBLAS:
other kernels are chosen by trying them out on the GPU. Needs 'npm run engines install xla -- --cuda'; minutes.

  --batch N        images in a step (default: 64)
  --python NAME    the Python that makes the virtual environment with JAX (default: python3)`,
  { batch: { type: 'string', default: '64' }, python: { type: 'string', default: 'python3' } },
  'gpu.md',
);
const task: Task = { model: MODELS.base, batchSize: integer(values.batch, 'batch', 1), numMasked: 75 };
const requirements = fileURLToPath(new URL('./requirements.txt', import.meta.url));
const peer = fileURLToPath(new URL('./peer.py', import.meta.url));

/** Compiles a program, and reads what became of it. */
async function measured(name: string, program: string, folder: string) {
  console.error(`${name}: compiling`);
  const begin = performance.now();
  const prefix = join(folder, name);
  const memory = await compileForGpu(program, { profile: prefix });
  const seconds = (performance.now() - begin) / 1000;
  const files = await readdir(`${prefix}.hlo`);
  const optimized = files.find((file) => file.endsWith('gpu_after_optimizations.txt'));
  if (optimized === undefined) throw new Error(`${prefix}.hlo has no optimized HLO.`);
  const counts = gpuCounts(await readFile(join(`${prefix}.hlo`, optimized), 'utf8'));
  await rm(`${prefix}.hlo`, { recursive: true });
  return { name, seconds, memory, counts };
}

async function main() {
  const folder = await mkdtemp(join(tmpdir(), 'beit-gpu-'));
  const results: Awaited<ReturnType<typeof measured>>[] = [];
  try {
    await tf.ready();
    const { mim, optimizer, params, batch, scalars } = createTask(task);
    const tensors = { state: trainState(params, optimizer), inputs: { batch, scalars: scalars(0) } };
    for (const precision of ['fp32', 'tf32', 'bf16'] as const) {
      const program = exportStablehlo(pretrainStep(mim, optimizer), tensors, { precision });
      results.push(await measured(`xla-${precision}`, program, folder));
    }
    const environment = await pythonEnvironment(values.python, { requirements });
    if (isAbsent(environment)) console.error(`Without JAX: ${environment.absent}`);
    else {
      const inputs = join(folder, 'task');
      await writeTask(inputs, task);
      for (const mode of ['jax-fp32', 'jax-bf16']) {
        const file = join(folder, `${mode}.mlir`);
        const given = { mode, threads: '1', steps: '0', inputs, 'lower-for-cuda': file };
        const args = Object.entries(given).flatMap(([option, value]) => [`--${option}`, value]);
        await runJson(environment.python, [peer, ...args], { PYTHONPATH: SHARED });
        results.push(await measured(mode, await readFile(file, 'utf8'), folder));
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return results;
}

const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(2);
const results = await main();
const machine = describeMachine();
const command = `pnpm bench:xla-gpu --batch ${task.batchSize}`;
const markdown = [
  markdownTable(
    results.map(({ name, memory, counts }) => ({
      'program, for an H100': name,
      'memory at most (GB)': gigabytes(memory.peak),
      'of it on the way (GB)': gigabytes(memory.temporary),
      'kernels of products': counts.products,
      'other kernels': counts.others,
      'written by kernels (GB)': gigabytes(counts.bytesWritten),
    })),
  ),
  '',
  `\`${command}\`; compiled, not run, on ${machineLine(machine)}. The same step, weights and optimizer on both sides.`,
].join('\n');
await publish('xla-gpu', { command, machine, ...task, results }, markdown, { ...values, page: 'gpu.md' });
