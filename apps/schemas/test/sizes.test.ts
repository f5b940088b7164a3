/** Files that ask for models that nobody can make are told so, in place of a process that hangs or is ended. */
import { createDvae, DALL_E } from '@beit/dvae';
import { createSegmenter, type SegmenterHead } from '@beit/segmentation';
import { createVit } from '@beit/vit';
import { readModelMetadata, vitConfig } from '../src';
import { dvaeConfig, readTokenizerMetadata } from '../src/tokenizerMetadata';

const VIT = {
  imageSize: 224,
  patchSize: 16,
  inChannels: 3,
  embedDim: 768,
  depth: 12,
  numHeads: 12,
  mlpRatio: 4,
};
const normalization = '{"mean":[0,0,0],"std":[1,1,1]}';

/** The largest of their kinds. */
test.each([
  [
    'ViT-G of 2044 pixels (arXiv 2106.04560)',
    { ...VIT, imageSize: 2044, patchSize: 14, embedDim: 1664, depth: 48, numHeads: 16 },
  ],
  [
    'EVA-g (arXiv 2211.07636)',
    { ...VIT, patchSize: 14, embedDim: 1408, depth: 40, numHeads: 16, mlpRatio: 4.3637 },
  ],
  ['ViT-22B (arXiv 2302.05442)', { ...VIT, patchSize: 14, embedDim: 6144, depth: 48, numHeads: 48 }],
  ['images of 2048 pixels with relative positions', { ...VIT, imageSize: 2048, useRelPosBias: true }],
])('%s is taken', (_, config) => {
  expect(vitConfig.safeParse(config).error?.issues).toBeUndefined();
  expect(readModelMetadata({ config: JSON.stringify(config) }, 'a file').config).toEqual(config);
});

test("DALL-E's tokenizer with the largest vocabulary (262144: MAGVIT-v2, arXiv 2310.05737) is taken", () => {
  expect(dvaeConfig.safeParse({ ...DALL_E, vocabSize: 2 ** 18 }).success).toBe(true);
});

const HUGE = [1e6, 1e9, 2 ** 53 - 1, 1e300];

describe.each(HUGE)('%d', (huge) => {
  test.each(Object.keys(VIT))('as %s of a transformer', (key) => {
    const config = { ...VIT, [key]: huge };
    expect(() => createVit(config)).toThrow(RangeError);
    expect(() => readModelMetadata({ config: JSON.stringify(config) }, 'big.safetensors')).toThrow(
      /^Cannot read big\.safetensors: .*\n {2}config/,
    );
  });
  test.each(['hiddenDim', 'decoderInitDim', 'numGroups', 'blocksPerGroup'] as const)(
    'as %s of a dVAE',
    (key) => {
      const config = { ...DALL_E, vocabSize: 2 ** 18, [key]: huge };
      expect(() => createDvae(config)).toThrow(RangeError);
      expect(() => readTokenizerMetadata({ config: JSON.stringify(config) }, 'big.safetensors')).toThrow(
        /^Cannot read big\.safetensors: .*\n {2}config/,
      );
    },
  );
  test.each<{ head: SegmenterHead }>([
    { head: { kind: 'setr-pup', channels: huge } },
    { head: { kind: 'setr-pup', numConvs: huge } },
    { head: { kind: 'setr-naive', channels: huge } },
    { head: { kind: 'setr-mla', blocks: [0, 1, 2, 3], headChannels: huge } },
    { head: { kind: 'upernet', blocks: [0, 1, 2, 3], channels: huge } },
  ])('in $head', ({ head }) => {
    const backbone = createVit({ ...VIT, embedDim: 12 });
    expect(() => createSegmenter({ backbone, numClasses: 2, head })).toThrow(RangeError);
  });
});

const config = JSON.stringify({ imageSize: 32, patchSize: 8, embedDim: 16, depth: 1, numHeads: 2 });

/** What a damaged or made-up file may say. */
test.each([
  [{ config: 'null' }, 'config: expected an object'],
  [{ config: '[]' }, 'config: expected an object'],
  [{ config: '"vit"' }, 'config: expected an object'],
  [{ config: '{}' }, 'config.imageSize: expected a whole number'],
  [{}, 'config: '],
  [{ config: config.replace('16', '"16"') }, 'config.embedDim: expected a whole number of at least 1'],
  [{ config: config.replace('16', 'null') }, 'config.embedDim: expected'],
  [{ config: config.replace('16', '15') }, 'config: embedDim (15) must be a multiple of numHeads (2).'],
  [{ config: config.replace('32', '1e9') }, 'config.imageSize: expected a whole number from 1 to 16384'],
  [{ config, normalization: '{"mean":[0,0,0]}' }, 'normalization.std: expected a list of three'],
  [{ config, normalization: '{"std":[1,1,1]}' }, 'normalization.mean: expected a list of three'],
  [{ config, normalization: 'null' }, 'normalization: expected an object'],
  [{ config, normalization: normalization.replace('[0,', '["0",') }, 'normalization.mean'],
  [{ config, normalization: '{"mean":[0,0,0],"std":[1,1]}' }, 'normalization.std'],
  [
    { config, normalization: '{"mean":[0],"std":[1,1,1]}' },
    'normalization: expected as many numbers in std as in mean',
  ],
  [{ config, classes: '{"0":"cat"}' }, 'classes: '],
  [{ config, classes: '[1]' }, 'classes.0: expected a text'],
  [{ config, classifier: 'null' }, 'classifier: '],
  [
    { config, framing: '{"transparency":"white","crop":{"height":1e9,"width":1,"rounding":"down"}}' },
    'framing.crop.height: expected a whole number from 1 to 16384',
  ],
  [{ config, segmenter: '{}' }, 'segmenter.palette: '],
])('%j is an error with the name of the file', (metadata: Record<string, string>, message) => {
  expect(() => readModelMetadata(metadata, 'my/model.safetensors')).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(
        /^Cannot read my\/model\.safetensors: what it says of itself is wrong\./,
      ),
    }),
  );
  expect(() => readModelMetadata(metadata, 'my/model.safetensors')).toThrow(`\n  ${message}`);
});

test.each([
  [{ config: 'null' }, 'config: expected an object'],
  [{ config: '{"vocabSize":"8192","hiddenDim":4,"decoderInitDim":1}' }, 'config.vocabSize: expected'],
  [
    { config: '{"vocabSize":8,"hiddenDim":5,"decoderInitDim":1}' },
    'config: hiddenDim is 5; expected a multiple of 4',
  ],
])('a tokenizer that says %j, too', (metadata: Record<string, string>, message) => {
  expect(() => readTokenizerMetadata(metadata, 'my/tokenizer.safetensors')).toThrow(
    /^Cannot read my\/tokenizer\.safetensors: /,
  );
  expect(() => readTokenizerMetadata(metadata, 'my/tokenizer.safetensors')).toThrow(`\n  ${message}`);
});
