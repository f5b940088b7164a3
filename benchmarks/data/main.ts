import { link, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { imageFolder, writeShards } from '@beit/data';
import {
  describeMachine,
  machineLine,
  markdownTable,
  median,
  runJson,
  runNodeJson,
} from '@beit/measurements';
import { alternate, type Competitor, competitor, isAbsent } from '../shared/alternate';
import { fail, integer, integers, publishedCommandLine } from '../shared/commandLine';
import { publish } from '../shared/publish';
import { pythonEnvironment } from '../shared/pythonEnvironment';
import type { LoaderRate, OursOptions } from './ours';
import { PHOTOGRAPH, writePhotographs } from './writePhotographs';

const HELP = `Usage: pnpm bench:data [options]

Images per second from JPEG files to augmented two-view batches with masks: our loader against torchvision's parts in
PyTorch's DataLoader, on the same photographs (made here: ${PHOTOGRAPH.width}x${PHOTOGRAPH.height}, as detailed as natural images), with the same
augmentations and numbers of workers. torchvision runs twice: on Pillow's images, as the official code, and with its own
decoder and transforms.v2 on tensors. Our loader also runs with sharp as decoder. The comparison is per core: images per
second of work of all threads and processes together. The embedded emoji are measured besides. About 4 minutes; the first
run makes a virtual environment with torchvision in your cache (a download of 3 GB).

  --workers A,B    numbers of workers (default: 0 and the number of cores)
  --seconds N      of a measurement, after two of warming up (default: 3)
  --rounds N       default: 3
  --batch N        default: 32
  --python NAME    the Python that makes the virtual environment (default: python3)`;

const values = publishedCommandLine(HELP, {
  workers: { type: 'string', default: `0,${availableParallelism()}` },
  seconds: { type: 'string', default: '3' },
  rounds: { type: 'string', default: '3' },
  batch: { type: 'string', default: '32' },
  python: { type: 'string', default: 'python3' },
});
const workerCounts = integers(values.workers, 'workers', 0);
const seconds = Number(values.seconds);
if (!(seconds > 0)) fail(`--seconds is '${values.seconds}'; expected a time above 0.`);
const rounds = integer(values.rounds, 'rounds', 1);
const PHOTOGRAPHS = 64;
const batchSize = integer(values.batch, 'batch', 1);
if (batchSize > PHOTOGRAPHS) fail(`--batch is ${batchSize}; there are ${PHOTOGRAPHS} photographs.`);

const OURS = fileURLToPath(new URL('./ours.ts', import.meta.url));
const PEER = fileURLToPath(new URL('./peer.py', import.meta.url));
/** Where the peer's masks are. */
const MASKING = fileURLToPath(new URL('../masking/', import.meta.url));
const OWN = '@beit/data';
/** The same loader and views; sharp decodes. */
const SHARP = '@beit/data, decoded by sharp';
const PEERS = { pil: 'torchvision, Pillow', tensor: 'torchvision, tensors' } as const;
const JPEG = `JPEG, ${PHOTOGRAPH.width}x${PHOTOGRAPH.height} to 224 and 112`;

interface Entry extends Competitor<LoaderRate> {
  readonly loader: string;
  readonly images: string;
  readonly workers: number;
}
const entry = (
  loader: string,
  images: string,
  workers: number,
  measure: Competitor<LoaderRate>['measure'],
): Entry => ({ loader, images, workers, ...competitor(`${loader}, ${images}, ${workers} workers`, measure) });

const environment = await pythonEnvironment(values.python);
const temporary = await mkdtemp(join(tmpdir(), 'beit-benchmark-'));
try {
  console.error(`Writing ${PHOTOGRAPHS} photographs.`);
  const [folder, shards] = [join(temporary, 'images'), join(temporary, 'shards')];
  const photographs = join(folder, 'photographs');
  await mkdir(photographs, { recursive: true });
  await writePhotographs(photographs, PHOTOGRAPHS);
  // The loader knows JPEG files by their names, and sharp all files by what is in them.
  const unnamed = join(temporary, 'unnamed');
  await mkdir(unnamed);
  for (const name of await readdir(photographs))
    await link(join(photographs, name), join(unnamed, name.replace('.jpg', '.tif')));
  await writeShards({
    directory: shards,
    prefix: 'train',
    from: folder,
    names: (await imageFolder(folder)).names,
  });
  const ours = (options: OursOptions) => () => runNodeJson<LoaderRate>(OURS, [JSON.stringify(options)]);
  const peer = (variant: keyof typeof PEERS, workers: number) => async () =>
    isAbsent(environment)
      ? environment
      : runJson<LoaderRate>(
          environment.python,
          [PEER, folder, variant, ...[workers, batchSize, seconds].map(String)],
          { PYTHONPATH: MASKING },
        );
  const entries = [
    ...workerCounts.flatMap((workers) => [
      entry(OWN, JPEG, workers, ours({ folder, workers, batchSize, seconds })),
      entry(SHARP, JPEG, workers, ours({ folder: unnamed, workers, batchSize, seconds })),
      entry(
        '@beit/data, shards',
        JPEG,
        workers,
        ours({ folder: shards, shards: true, workers, batchSize, seconds }),
      ),
      entry(PEERS.pil, JPEG, workers, peer('pil', workers)),
      entry(PEERS.tensor, JPEG, workers, peer('tensor', workers)),
    ]),
    entry(OWN, 'emoji, 96x96 to 64 and 32', 1, ours({ workers: 1, batchSize, seconds })),
  ];
  await alternate(entries, rounds);

  const rates = entries
    .filter(({ results }) => results.length > 0)
    .map(({ loader, images, workers, results }) => ({
      loader,
      images,
      workers,
      imagesPerSecond: median(results.map((run) => run.imagesPerSecond)),
      imagesPerCoreSecond: median(results.map((run) => run.imagesPerCoreSecond)),
      secondsToFirstBatch: median(results.map((run) => run.secondsToFirstBatch)),
      runs: results,
    }));
  type Rate = (typeof rates)[number];
  const isPeer = ({ loader }: Rate) => !loader.startsWith(OWN);
  /** How many times a rate is the fastest peer's with as many workers. */
  const times = (
    rate: Rate,
    key: 'imagesPerSecond' | 'imagesPerCoreSecond',
    peers = rates.filter(isPeer),
  ) => {
    const others = peers.filter(({ workers }) => workers === rate.workers);
    return rate.images === JPEG && others.length > 0
      ? rate[key] / Math.max(...others.map((other) => other[key]))
      : undefined;
  };
  /** Per core, with the number of workers where it is least. */
  const least = (peers: readonly Rate[]) => {
    const all = rates.flatMap((rate) =>
      isPeer(rate) || rate.loader === SHARP ? [] : (times(rate, 'imagesPerCoreSecond', [...peers]) ?? []),
    );
    return all.length > 0 ? Math.min(...all) : undefined;
  };
  const ofSharp = workerCounts.map((workers) => {
    const [own, sharp] = [OWN, SHARP].map(
      (name) => rates.find((rate) => rate.loader === name && rate.workers === workers)!.imagesPerCoreSecond,
    );
    return sharp! / own!;
  });
  const results = rates.map((rate) => ({
    ...rate,
    timesTorchvision: times(rate, 'imagesPerSecond'),
    timesTorchvisionPerCore: times(rate, 'imagesPerCoreSecond'),
  }));
  const machine = describeMachine();
  const versions = Object.assign({}, ...rates.map(({ runs }) => runs[0]!.versions)) as Record<string, string>;
  const absent = entries.find((one) => one.absent !== undefined)?.absent;
  const report = {
    command: `pnpm bench:data --workers ${workerCounts} --seconds ${seconds} --rounds ${rounds} --batch ${batchSize}`,
    machine,
    versions,
    absent,
    summary: {
      dataPerCoreVsTorchvisionPillow: least(rates.filter(({ loader }) => loader === PEERS.pil)),
      dataPerCoreVsTorchvisionTensors: least(rates.filter(({ loader }) => loader === PEERS.tensor)),
      sharpPerCoreVsOwnDecoder: Math.max(...ofSharp),
    },
    results,
  };
  const markdown = [
    markdownTable(
      results.map((result) => ({
        loader: result.loader,
        images: result.images,
        workers: result.workers,
        'images a second': Math.round(result.imagesPerSecond),
        'a second and core': Math.round(result.imagesPerCoreSecond),
        'first batch, s': result.secondsToFirstBatch.toFixed(2),
        'times the faster torchvision': result.timesTorchvision?.toFixed(2),
        'per core': result.timesTorchvisionPerCore?.toFixed(2),
      })),
    ),
    '',
    `\`${report.command}\`; ${[
      machineLine(machine),
      ...Object.entries(versions).map((pair) => pair.join(' ')),
    ].join(', ')}. Medians of ${rounds} rounds.`,
    ...(absent === undefined ? [] : [`Not here: torchvision, ${absent}.`]),
  ].join('\n');
  await publish('data', report, markdown, { json: values.json, write: values.write });
} finally {
  await rm(temporary, { recursive: true, force: true });
}
