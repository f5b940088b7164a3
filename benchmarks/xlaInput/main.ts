import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeMachine, machineLine, markdownTable, median, runNodeJson } from '@beit/measurements';
import { PHOTOGRAPH, writePhotographs } from '../data/writePhotographs';
import { alternate, type Competitor, competitor } from '../shared/alternate';
import { fail, integer, integers, oneOf, publishedCommandLine } from '../shared/commandLine';
import { publish } from '../shared/publish';
import type { InputOptions, InputRate } from './ours';

/** The page with what XLA's GPUs need. */
const PAGE = 'gpu.md';
const PHOTOGRAPHS = 64;
const DEVICES = ['cpu', 'cuda', 'rocm', 'oneapi', 'tpu'];

const HELP = `Usage: pnpm bench:xla-input [options]

Images per second that reach a device of the engine xla: JPEG files (made here: ${PHOTOGRAPH.width}x${PHOTOGRAPH.height}, as detailed as natural
images) to batches of two augmented views with masks, loaded alone, one batch sent again and again, and both. With the
operations of a BEiT-B/16 pre-training step that says how many cores keep an H200 busy. About a minute.

  --workers A,B    numbers of threads that load (default: 1,2)
  --seconds N      of a measurement, after two of warming up (default: 3)
  --rounds N       default: 3
  --batch N        default: 32
  --device NAME    ${DEVICES.join(', ')} (default: cpu)`;

const values = publishedCommandLine(
  HELP,
  {
    workers: { type: 'string', default: '1,2' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    batch: { type: 'string', default: '32' },
    device: { type: 'string', default: 'cpu' },
  },
  PAGE,
);
const workerCounts = integers(values.workers, 'workers', 1);
const seconds = Number(values.seconds);
if (!(seconds > 0)) fail(`--seconds is '${values.seconds}'; expected a time above 0.`);
const rounds = integer(values.rounds, 'rounds', 1);
const batchSize = integer(values.batch, 'batch', 1);
if (batchSize > PHOTOGRAPHS) fail(`--batch is ${batchSize}; there are ${PHOTOGRAPHS} photographs.`);
const device = oneOf(values.device, 'device', DEVICES) as NonNullable<InputOptions['engine']['device']>;

/** Operations of an image in a BEiT-B/16 pre-training step, the tokenizer with it: `pnpm scaling` counts them. */
const FLOPS_PER_IMAGE = 155e9;
/** An H200's operations a second in bfloat16, as measured by large matrix products, and what of them a step may reach. */
const H200_FLOPS = 790e12;
const SHARE_OF_PEAK = 0.4;
const NEEDED = (SHARE_OF_PEAK * H200_FLOPS) / FLOPS_PER_IMAGE;

interface Entry extends Competitor<InputRate> {
  readonly what: InputOptions['what'];
  readonly workers: number;
}
const OURS = fileURLToPath(new URL('./ours.ts', import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'beit-benchmark-'));
try {
  console.error(`Writing ${PHOTOGRAPHS} photographs.`);
  await writePhotographs(folder, PHOTOGRAPHS);
  const entry = (what: InputOptions['what'], workers: number): Entry => {
    const options: InputOptions = { folder, what, workers, batchSize, seconds, engine: { device } };
    return {
      what,
      workers,
      ...competitor(`${what}, ${workers} workers`, () =>
        runNodeJson<InputRate>(OURS, [JSON.stringify(options)]),
      ),
    };
  };
  const entries = [
    ...workerCounts.flatMap((workers) => [entry('load', workers), entry('load and copy', workers)]),
    entry('copy', 1),
  ];
  await alternate(entries, rounds);

  const results = entries.map(({ what, workers, results }) => ({
    what,
    workers: what === 'copy' ? 0 : workers,
    imagesPerSecond: median(results.map((run) => run.imagesPerSecond)),
    imagesPerCoreSecond: median(results.map((run) => run.imagesPerCoreSecond)),
    bytesPerImage: results[0]!.bytesPerImage,
    runs: results,
  }));
  const reaching = results.filter(({ what }) => what === 'load and copy');
  const perCore = Math.max(...reaching.map(({ imagesPerCoreSecond }) => imagesPerCoreSecond));
  const [{ bytesPerImage }] = results as [(typeof results)[number]];
  const machine = describeMachine();
  const report = {
    command: `pnpm bench:xla-input --workers ${workerCounts} --seconds ${seconds} --rounds ${rounds} --batch ${batchSize} --device ${device}`,
    machine,
    summary: { imagesPerH200Second: NEEDED, coresPerH200: NEEDED / perCore },
    results,
  };
  const whole = (n: number) => Math.round(n).toLocaleString('en-US');
  const markdown = [
    markdownTable(
      results.map(({ what, workers, imagesPerSecond, imagesPerCoreSecond }) => ({
        what,
        workers: workers === 0 ? '' : workers,
        'images a second': whole(imagesPerSecond),
        'a second and core': whole(imagesPerCoreSecond),
      })),
    ),
    '',
    `An H200 that reaches ${100 * SHARE_OF_PEAK} % of its ${H200_FLOPS / 1e12} TFLOP/s in bfloat16 takes ${whole(NEEDED)} images a second at ${FLOPS_PER_IMAGE / 1e9} GFLOP an image, the tokenizer with it: ${Math.ceil(NEEDED / perCore)} cores like these, at ${whole(perCore)} images each, and ${((NEEDED * bytesPerImage) / 1e9).toFixed(1)} GB/s to the device, at ${(bytesPerImage / 1e6).toFixed(2)} MB an image.`,
    '',
    `\`${report.command}\`; ${machineLine(machine)}. Medians of ${rounds} rounds.`,
  ].join('\n');
  await publish('xla-input', report, markdown, { json: values.json, write: values.write, page: PAGE });
} finally {
  await rm(folder, { recursive: true, force: true });
}
