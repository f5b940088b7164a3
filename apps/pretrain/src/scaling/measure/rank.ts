/**
 * One process of a measurement: stage 2 as `pretrain start` runs it, for some steps, timed. Started by mpirun, the processes
 * train together and the first one prints the `RankResult`s of all; else it is a rank of a job that is only pretended,
 * which begins when its parent says so and tells its parent. The argument is a `RankTask`.
 */

import type { ImageSource } from '@beit/data';
import { createDvae } from '@beit/dvae';
import { peakBytes } from '@beit/measurements';
import { connectMpi, gatherTexts } from '@beit/mpi';
import { createRandom } from '@beit/random';
import { silentProgress } from '@beit/trainer';
import * as tf from '@tensorflow/tfjs';
import { loadImages } from '../../images';
import { mimStage } from '../../mimStage';
import type { PretrainRecipe } from '../../recipe';
import { pixelObjective } from '../../targets/pixelObjective';
import { tokenObjective } from '../../targets/tokenObjective';
import type { RankResult, RankTask } from './rankTask';
import { pretendedJob, stopwatch } from './stopwatch';

/** Side of photographs that are scaled already; crops are taken from them. */
const PHOTO_SIZE = 256;
/** So long that neither an evaluation nor a checkpoint falls into what is timed. */
const MANY_STEPS = 1e6;

function noise({ data, mim: { batchSize } }: PretrainRecipe): ImageSource {
  const size = data.kind === 'emoji' ? data.size : PHOTO_SIZE;
  const pixels = new SharedArrayBuffer(4 * batchSize * size ** 2);
  const random = createRandom('noise');
  new Uint32Array(pixels).forEach((_, i, all) => {
    all[i] = random.integer(0, 0xffffffff);
  });
  return { kind: 'memory', names: Array.from({ length: batchSize }, (_, i) => `${i}`), size, pixels };
}

/** The job, and how what was measured is told; it returns only to those that go on. */
async function connected({ pretend }: RankTask) {
  if (pretend === undefined) {
    const job = await connectMpi();
    return {
      job,
      start: () => job.barrier(),
      async tell(result: RankResult) {
        const all = await gatherTexts(job, JSON.stringify(result));
        if (job.rank === 0) console.log(`[${all.join(',')}]`);
        await job.close();
      },
    };
  }
  const send = (message: unknown) =>
    new Promise<void>((resolve, reject) => {
      process.send!(message, (error: Error | null) => (error ? reject(error) : resolve()));
    });
  return {
    job: pretendedJob(pretend),
    async start() {
      const told = new Promise((resolve) => process.once('message', resolve));
      await send('ready');
      await told;
    },
    tell: send,
  };
}

const task = JSON.parse(process.argv[2]!) as RankTask;
const { recipe, warmUp, steps } = task;
const { job, start, tell } = await connected(task);
tf.enableProdMode();
const source = task.data === undefined ? noise(recipe) : (await loadImages(recipe, task.data)).train;
const stepsPerEpoch = Math.floor(source.names.length / recipe.mim.batchSize);
let engine = '';
const timed = stopwatch(job, async (done) => {
  if (done.length === warmUp) await start();
  if (done.length < warmUp + steps) return;
  await tell({ steps: done.slice(warmUp), peakBytes: peakBytes(), engine });
  // The stage would go on, and save what nobody needs.
  process.exit(0);
});
await mimStage(
  {
    recipe: { ...recipe, mim: { ...recipe.mim, epochs: MANY_STEPS / Math.max(1, stepsPerEpoch) } },
    source,
    runDir: task.runDir,
    engine: task.engine,
    workers: task.workers,
    progress: silentProgress,
    onCompiled(name) {
      engine = `${name}, ${task.engine.precision}`;
    },
    job: timed,
  },
  recipe.mim.target === 'pixels'
    ? pixelObjective(recipe)
    : tokenObjective(recipe, createDvae(recipe.tokenizer.model).init(createRandom('tokenizer'))),
  async () => ({}),
);
