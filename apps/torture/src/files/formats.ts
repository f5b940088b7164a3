/** Kinds of files that come from strangers: a whole one of each, and what reads it. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadPretrained } from '@beit/cli';
import { createLoader, readLabelled, readMask } from '@beit/data';
import { createRandom } from '@beit/random';
import { zeros } from '@beit/tensors';
import { loadCheckpoint, saveCheckpoint } from '@beit/trainer';
import { createVit, transformersConfig } from '@beit/vit';
import { loadTorch, saveSafetensors, toTransformers } from '@beit/weights';
import sharp from 'sharp';
import { cachedShard } from './cachedShard';
import type { Format } from './format';
import { metadataFormats } from './metadata';
import { randomPng, type Samples } from './randomPng';
import { readShards } from './readShards';
import { threeInTar } from './threeInTar';
import { views } from './views';

const pixels = Uint8Array.from({ length: 24 * 18 * 3 }, (_, i) => (i * 37 + (i >> 4) * 11) % 256);
const colors = () => sharp(pixels, { raw: { width: 24, height: 18, channels: 3 } });
const classes = pixels.subarray(0, 24 * 18).map((x) => x % 4);
const grayOf = (numbers: Uint8Array | Uint16Array) =>
  sharp(numbers, { raw: { width: 24, height: 18, channels: 1 } });
const gray = () => grayOf(classes).toColourspace('b-w');

/** The picture is the only one: who loads it is told of it by name. */
async function readPicture(path: string): Promise<void> {
  const source = { kind: 'folder', directory: dirname(path), names: [basename(path)] } as const;
  const loader = createLoader({ source, batchSize: 1, seed: 0, views, workers: 0 });
  try {
    await loader.batch(0);
  } finally {
    await loader.close();
  }
}

const picture = (ending: string, make: () => Promise<Uint8Array>): Format => ({
  name: ending.slice(1),
  ending,
  make,
  read: readPicture,
});

/** A mask of a picture that is whole. */
const mask = (name: string, ending: string, make: () => Promise<Uint8Array>): Format => ({
  name,
  ending,
  make,
  async read(path) {
    const [directory, file] = [dirname(path), basename(path)];
    await colors().png().toFile(join(directory, 'photo.png'));
    const images = { kind: 'folder', directory, names: ['photo.png'] } as const;
    const annotation = { numClasses: 4, labels: 'from-zero' } as const;
    const { normalization } = views;
    return readLabelled({ images, directory, annotations: [file] }, 0, { normalization, annotation });
  },
});

/** In numbers of one type. */
const plain = ({ width, height, numbers }: Samples) => Uint16Array.of(width, height, ...numbers);

const MODEL = { imageSize: 16, patchSize: 8, embedDim: 8, depth: 1, numHeads: 2 };
const model = () => createVit(MODEL).init(createRandom(0));
const fixture = (path: string) =>
  readFile(fileURLToPath(new URL(`../../../../packages/${path}`, import.meta.url)));
const PARQUET = 'data/test/fixtures/parquet/train-00000-of-00001.parquet';

export const FORMATS: readonly Format[] = [
  picture('.png', () => colors().png().toBuffer()),
  picture('.jpg', () => colors().jpeg().toBuffer()),
  picture('.webp', () => colors().webp().toBuffer()),
  picture('.gif', () => colors().gif().toBuffer()),
  picture('.avif', () => colors().avif({ effort: 0 }).toBuffer()),
  picture('.tiff', () => colors().tiff({ compression: 'lzw' }).toBuffer()),
  picture('.bmp', async () => bmp()),
  picture('.ppm', async () => Buffer.concat([Buffer.from('P6\n24 18\n255\n'), pixels])),
  mask('mask-gray', '.png', () => gray().png().toBuffer()),
  mask('mask-palette', '.png', () => gray().png({ palette: true, colours: 4 }).toBuffer()),
  mask('mask-16-bit', '.png', () =>
    grayOf(Uint16Array.from(classes)).toColourspace('grey16').png().toBuffer(),
  ),
  mask('mask-tiff', '.tif', () => gray().tiff({ compression: 'deflate' }).toBuffer()),
  {
    name: 'mask-png',
    ending: '.png',
    make: () => gray().png().toBuffer(),
    change(_, random) {
      const { bytes, samples } = randomPng(random);
      return { bytes, means: plain(samples) };
    },
    isExact: true,
    read: async (path) => plain(await readMask(path)),
  },
  {
    name: 'parquet',
    ending: '.parquet',
    make: () => fixture(PARQUET),
    read: readShards,
  },
  {
    name: 'tar',
    ending: '.tar',
    make: threeInTar,
    read: readShards,
  },
  cachedShard,
  {
    name: 'shard-index',
    ending: '.json',
    needsWhole: true,
    async make(folder) {
      const { length: filesize } = await threeInTar(folder);
      const shard = { url: 'all-000000.tar', nsamples: 3, filesize, labels: [0, 1, 0] };
      const index = {
        __kind__: 'wids-shard-index-v1',
        wids_version: 1,
        shardlist: [shard],
        classes: ['a', 'b'],
      };
      return new TextEncoder().encode(JSON.stringify(index));
    },
    read: readShards,
  },
  {
    name: 'safetensors',
    ending: '.safetensors',
    async make(folder) {
      const path = join(folder, 'model.safetensors');
      await saveSafetensors(path, model(), { config: JSON.stringify(MODEL), classes: '["a","b"]' });
      return readFile(path);
    },
    read: loadPretrained,
  },
  {
    name: 'pth',
    ending: '.pth',
    make: () => fixture('weights/test/fixtures/official-2.15.pth'),
    read: loadTorch,
  },
  {
    name: 'pth-before-1.6',
    ending: '.pth',
    make: () => fixture('weights/test/fixtures/legacy-2.15.pth'),
    read: loadTorch,
  },
  {
    name: 'pth-mmsegmentation',
    ending: '.pth',
    make: () => fixture('weights/test/fixtures/mmsegmentation.pth'),
    read: loadPretrained,
  },
  {
    name: 'transformers-config',
    ending: '.json',
    async make() {
      const config = transformersConfig(MODEL);
      return new TextEncoder().encode(JSON.stringify({ ...config, problem_type: null }));
    },
    async read(path) {
      const folder = `${path}.model`;
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'config.json'), await readFile(path));
      const renamed = toTransformers(model(), { version: 4 });
      await saveSafetensors(join(folder, 'model.safetensors'), renamed, { format: 'pt' });
      return loadPretrained(folder);
    },
  },
  {
    name: 'checkpoint',
    ending: '.safetensors',
    async make(folder) {
      const state = { params: { w: zeros([5]) }, m: { w: zeros([5]) } };
      const facts = { step: 3, name: 'stage', config: { seed: 1 }, versions: { node: '20' } };
      return readFile(await saveCheckpoint(folder, { ...facts, state, window: { steps: 0, sums: {} } }));
    },
    isExact: true,
    read: loadCheckpoint,
  },
  ...metadataFormats,
];

/** Windows 3: 24 bits a pixel, from the lower row up, each of a multiple of 4 bytes. */
function bmp(): Uint8Array {
  const header = Buffer.alloc(54);
  header.write('BM');
  header.writeUInt32LE(54 + pixels.length, 2);
  header.writeUInt32LE(54, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(24, 18);
  header.writeInt32LE(18, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  return Buffer.concat([header, pixels]);
}
