import { framingOf, normalizationOf, readModelMetadata, writeModelMetadata } from '../src';

const config = { imageSize: 32, patchSize: 8, embedDim: 16, depth: 1, numHeads: 2 };
const normalization = { mean: [0, 0, 0], std: [1, 1, 1] } as const;

test('what is written is read, in the order in which it was written', () => {
  const classifier = { pooling: 'mean' } as const;
  const framing = {
    resize: { to: { shortestEdge: 36 }, filter: 'bicubic' },
    crop: { height: 32, width: 32, rounding: 'down' },
    transparency: 'white',
  } as const;
  const described = { config, classes: ['cat', 'dog'], classifier, normalization, framing };
  const written = writeModelMetadata(described);
  expect(Object.entries(written)).toEqual([
    ['config', JSON.stringify(config)],
    ['classes', '["cat","dog"]'],
    ['classifier', JSON.stringify(classifier)],
    ['normalization', JSON.stringify(normalization)],
    ['framing', JSON.stringify(framing)],
  ]);
  const read = readModelMetadata(written, 'a file');
  expect(read).toEqual(described);
  expect([normalizationOf(read), framingOf(read)]).toEqual([normalization, framing]);
  // As it was written before.
  const old = {
    config,
    classifier: { pooling: 'mean', views: { normalization, cropShare: 32 / 36 } },
  } as const;
  expect([normalizationOf(old), framingOf(old)]).toEqual([normalization, framing]);
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
    /^Cannot read model\.safetensors: .*\n {2}config\.depth: expected a whole number of at least 1\n {2}normalization\.std\.1: expected a number above 0\n {2}classes: is no JSON: .*\n {2}segmenter\.head\.kind: expected one of setr-pup, /,
  );
});
