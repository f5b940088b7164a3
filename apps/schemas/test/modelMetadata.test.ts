import { normalizationOf, readModelMetadata, writeModelMetadata } from '../src';

const config = { imageSize: 32, patchSize: 8, embedDim: 16, depth: 1, numHeads: 2 };
const normalization = { mean: [0, 0, 0], std: [1, 1, 1] } as const;

test('what is written is read, in the order in which it was written', () => {
  const classifier = { pooling: 'mean', views: { normalization, cropShare: 0.875 } } as const;
  const written = writeModelMetadata({ config, classes: ['cat', 'dog'], classifier });
  expect(Object.entries(written)).toEqual([
    ['config', JSON.stringify(config)],
    ['classes', '["cat","dog"]'],
    ['classifier', JSON.stringify(classifier)],
  ]);
  const read = readModelMetadata(written, 'a file');
  expect(read).toEqual({ config, classes: ['cat', 'dog'], classifier });
  expect(normalizationOf(read)).toEqual(normalization);
});

test('a file may say less, or more than is known', () => {
  const old = { config: JSON.stringify({ ...config, invented: true }), made: 'yesterday' };
  expect(readModelMetadata(old, 'a file')).toEqual({ config });
  expect(normalizationOf({ config })).toBeUndefined();
});

test('what is wrong is named', () => {
  const wrong = {
    config: JSON.stringify({ ...config, depth: 0 }),
    classes: '["cat"',
    normalization: '{"mean":[0,0,0],"std":[1,0,1]}',
    segmenter: JSON.stringify({ palette: [[0, 0, 0]], head: { kind: 'fcn' }, views: { stride: 8 } }),
  };
  expect(() => readModelMetadata(wrong, 'model.safetensors')).toThrow(
    /^Cannot read model\.safetensors: .*\n {2}config\.depth: expected a whole number of at least 1\n {2}normalization\.std\.1: expected a number above 0\n {2}classes: is no JSON: .*\n {2}segmenter\.head: expected a head of kind setr-pup, /,
  );
});
