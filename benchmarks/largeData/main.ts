import { link, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeMachine, machineLine, markdownTable, runJson, runNodeJson } from '@beit/measurements';
import { writePhotographs } from '../data/writePhotographs';
import { isAbsent } from '../shared/alternate';
import { fail, integer, publishedCommandLine } from '../shared/commandLine';
import { publish } from '../shared/publish';
import { pythonEnvironment } from '../shared/pythonEnvironment';
import type { LargeOptions, LargeResult } from './ours';

const HELP = `Usage: pnpm bench:large-data [options]

A folder as large as ImageNet (1,281,167 files in 1,000 folders, hard links to a few photographs of 500x375): seconds
until its files are listed, and until the first batch is there, the first time and from then on, beside torchvision's
ImageFolder; then an epoch's beginning, with the memory that the process takes. About 20 minutes, most of them for the
memory; files go to the system's temporary folder, on a file system that allows 65,000 links to a file.

  --files N        default: 1281167
  --images N       that are loaded while memory is watched (default: 100000)
  --workers N      default: the number of cores
  --batch N        default: 32
  --python NAME    the Python that makes the virtual environment (default: python3)`;

const values = publishedCommandLine(HELP, {
  files: { type: 'string', default: '1281167' },
  images: { type: 'string', default: '100000' },
  workers: { type: 'string', default: String(availableParallelism()) },
  batch: { type: 'string', default: '32' },
  python: { type: 'string', default: 'python3' },
});
const files = integer(values.files, 'files', 1);
const images = integer(values.images, 'images', 1);
const workers = integer(values.workers, 'workers', 0);
const batchSize = integer(values.batch, 'batch', 1);
if (files < batchSize) fail(`--files is ${files}; expected at least one batch of ${batchSize}.`);

const OURS = fileURLToPath(new URL('./ours.ts', import.meta.url));
const PEER = fileURLToPath(new URL('../data/peer.py', import.meta.url));
const MASKING = fileURLToPath(new URL('../masking/', import.meta.url));
const FOLDERS = 1000;
/** An inode has so many names at the most, on ext4. */
const MOST_LINKS = 60_000;

interface PeerResult {
  readonly secondsToNames: number;
  readonly secondsToFirstBatch: number;
  readonly versions: Readonly<Record<string, string>>;
}

const environment = await pythonEnvironment(values.python);
const folder = await mkdtemp(join(tmpdir(), 'beit-large-'));
try {
  const photographs = await writeFiles(join(folder, 'images'));
  const ours = (change: Partial<LargeOptions> = {}) => {
    const options: LargeOptions = {
      folder: photographs,
      indexes: join(folder, 'indexes'),
      workers,
      batchSize,
      images: 0,
      ...change,
    };
    return runNodeJson<LargeResult>(OURS, [JSON.stringify(options)]);
  };
  console.error('Listing the folder for the first time.');
  const first = await ours();
  console.error('Again.');
  const again = await ours();
  console.error('And by torchvision.');
  const peer = isAbsent(environment)
    ? undefined
    : await runJson<PeerResult>(
        environment.python,
        [PEER, photographs, 'tensor', ...[workers, batchSize, 1].map(String)],
        {
          PYTHONPATH: MASKING,
        },
      );
  console.error(`Loading ${images} images.`);
  const { memory, imagesPerSecond } = await ours({ images });

  const machine = describeMachine();
  const [begin, end] = [memory.find((one) => one.images >= images / 10)!, memory.at(-1)!];
  const report = {
    command: `pnpm bench:large-data --files ${files} --images ${images} --workers ${workers} --batch ${batchSize}`,
    machine,
    summary: {
      secondsToNamesFirst: first.secondsToNames,
      secondsToNamesAgain: again.secondsToNames,
      secondsToFirstBatchAgain: again.secondsToFirstBatch,
      torchvisionSecondsToFirstBatch: peer?.secondsToFirstBatch,
      megabytesAtTenth: begin.megabytes,
      megabytesAtEnd: end.megabytes,
      imagesPerSecond,
    },
    first,
    again,
    peer,
    memory,
  };
  const row = (loader: string, result: Pick<LargeResult, 'secondsToNames' | 'secondsToFirstBatch'>) => ({
    loader,
    'files listed, s': result.secondsToNames.toFixed(1),
    'first batch, s': result.secondsToFirstBatch.toFixed(1),
  });
  const quarters = [0.1, 0.25, 0.5, 0.75, 1].map(
    (share) => memory.find((one) => one.images >= share * images) ?? end,
  );
  const markdown = [
    markdownTable([
      row('@beit/data, the first time', first),
      row('@beit/data, from then on', again),
      ...(peer ? [row('torchvision', peer)] : []),
    ]),
    '',
    markdownTable(
      quarters.map((one) => ({
        'images loaded': one.images,
        'resident memory, MB': Math.round(one.megabytes),
      })),
    ),
    '',
    `\`${report.command}\`; ${[machineLine(machine), ...Object.entries(peer?.versions ?? {}).map((pair) => pair.join(' '))].join(', ')}. Seconds from the start of the listing, files just written; ${Math.round(imagesPerSecond)} images a second.`,
    ...(isAbsent(environment) ? [`Not here: torchvision, ${environment.absent}.`] : []),
  ].join('\n');
  await publish('large-data', report, markdown, { json: values.json, write: values.write });
} finally {
  console.error('Removing the files.');
  await rm(folder, { recursive: true, force: true });
}

/** @returns the folder */
async function writeFiles(root: string): Promise<string> {
  const originals = join(root, '../originals');
  await mkdir(originals, { recursive: true });
  const count = Math.max(64, Math.ceil(files / MOST_LINKS));
  console.error(`Writing ${count} photographs, and ${files} links to them.`);
  await writePhotographs(originals, count);
  const perFolder = Math.ceil(files / FOLDERS);
  for (let at = 0; at < files; at += perFolder) {
    const own = join(root, `n${String(at / perFolder).padStart(8, '0')}`);
    await mkdir(own, { recursive: true });
    const numbers = Array.from({ length: Math.min(perFolder, files - at) }, (_, i) => at + i);
    await Promise.all(
      numbers.map((i) =>
        link(join(originals, `${i % count}.jpg`), join(own, `ILSVRC2012_${String(i).padStart(8, '0')}.JPEG`)),
      ),
    );
  }
  return root;
}
