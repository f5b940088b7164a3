/** Model files whose descriptions of themselves are changed by meaning. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom } from '@beit/random';
import { type NamedTensors, zeros } from '@beit/tensors';
import { createVit } from '@beit/vit';
import { saveSafetensors } from '@beit/weights';
import { fromApp } from '../fromApp';
import { changeJson } from './changeJson';
import type { Changed, Format } from './format';

const config = {
  imageSize: 16,
  patchSize: 8,
  inChannels: 3,
  embedDim: 8,
  depth: 1,
  numHeads: 2,
  mlpRatio: 2,
};
const normalization = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const classes = ['ground', 'thing'];
const size = { height: 16, width: 16 };
const framing = {
  resize: { to: { shortestEdge: 18 }, filter: 'bilinear' },
  crop: { ...size, rounding: 'down' },
  transparency: 'white',
};
const encoder = () => createVit(config).init(createRandom(0));

/** @param change from the JSON of all metadata to that of a changed file */
function withMetadata(file: Uint8Array, change: (metadata: object) => unknown): Uint8Array {
  const bytes = Buffer.from(file);
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: texts, ...tensors } = JSON.parse(bytes.toString('utf8', 8, end)) as {
    __metadata__: Record<string, string>;
  };
  const parsed = Object.entries(texts).map(([key, text]) => [key, JSON.parse(text)] as const);
  const changed = Object.entries(Object(change(Object.fromEntries(parsed))));
  const metadata = Object.fromEntries(changed.map(([key, value]) => [key, JSON.stringify(value)]));
  const header = Buffer.from(JSON.stringify({ __metadata__: metadata, ...tensors }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, bytes.subarray(end)]);
}

interface ModelFile extends Pick<Format, 'name' | 'read'> {
  readonly tensors: () => Promise<NamedTensors>;
  readonly metadata: object;
}

const modelFile = ({ name, read, tensors, metadata }: ModelFile): Format => ({
  name,
  ending: '.safetensors',
  async make(folder) {
    const path = join(folder, 'model.safetensors');
    const texts = Object.entries(metadata).map(([key, value]) => [key, JSON.stringify(value)]);
    await saveSafetensors(path, await tensors(), Object.fromEntries(texts));
    return readFile(path);
  },
  change: (whole, random): Changed => ({
    bytes: withMetadata(whole, (metadata) => changeJson(metadata, random).value),
  }),
  read,
});

const head = { kind: 'setr-naive', channels: 4, auxiliary: [] };

export const metadataFormats: readonly Format[] = [
  modelFile({
    name: 'metadata-classifier',
    async tensors() {
      const vector = (length: number) => zeros([length]);
      const own = { 'head.weight': zeros([2, 8]), 'head.bias': vector(2) };
      return { ...encoder(), ...own, 'fc_norm.weight': vector(8), 'fc_norm.bias': vector(8) };
    },
    metadata: { config, normalization, framing, classes, classifier: { pooling: 'mean' } },
    async read(path) {
      const { loadClassifier } = await fromApp<{ loadClassifier: Format['read'] }>(
        'classify',
        'classifierFile',
      );
      return loadClassifier(path);
    },
  }),
  modelFile({
    name: 'metadata-segmenter',
    async tensors() {
      const { createModel } = await fromApp<{
        createModel(
          recipe: object,
          classes: number,
        ): { readonly segmenter: { init(random: ReturnType<typeof createRandom>): NamedTensors } };
      }>('ade20k', 'model');
      return createModel({ model: config, head }, classes.length).segmenter.init(createRandom(0));
    },
    metadata: {
      ...{ config, normalization, classes },
      segmenter: {
        palette: [
          [0, 0, 0],
          [255, 0, 0],
        ],
        head,
        views: { scale: [64, 16], stride: 11 },
        labels: 'from-zero',
      },
    },
    async read(path) {
      const { loadSegmenter } = await fromApp<{ loadSegmenter: Format['read'] }>('ade20k', 'segmenterFile');
      return loadSegmenter(path);
    },
  }),
];
