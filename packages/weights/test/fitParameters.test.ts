import { type NamedTensors, zeros } from '@beit/tensors';
import { describeFit, fitParameters } from '../src/fitParameters';

const tensors: NamedTensors = {
  cls_token: zeros([1, 1, 4]),
  'blocks.0.gamma_1': zeros([5]),
  'blocks.1.gamma_1': zeros([4]),
  'lm_head.weight': zeros([8, 4]),
  ids: zeros([2], 'int32'),
};
const expected = {
  'blocks.0.gamma_1': [4],
  'blocks.1.gamma_1': [4],
  cls_token: [1, 1, 4],
  'blocks.0.gamma_2': [4],
  'blocks.1.gamma_2': [4],
  'head.weight': [3, 4],
  ids: [2],
};

test('what fits, what is missing, what is more, what has another shape', () => {
  const fit = fitParameters(tensors, expected);
  expect(Object.keys(fit.params)).toEqual(['blocks.1.gamma_1', 'cls_token']);
  expect(fit.params.cls_token).toBe(tensors.cls_token);
  expect(fit.missing).toEqual(['blocks.0.gamma_2', 'blocks.1.gamma_2', 'head.weight']);
  expect(fit.extra).toEqual(['lm_head.weight']);
  expect(fit.misshapen).toEqual([
    { name: 'blocks.0.gamma_1', got: [5], expected: [4], dtype: 'float32' },
    { name: 'ids', got: [2], expected: [2], dtype: 'int32' },
  ]);
});

test('in words, blocks together', () => {
  expect(describeFit(fitParameters(tensors, expected))).toBe(
    [
      'Missing: blocks.*.gamma_2 (2 blocks), head.weight.',
      'Not expected: lm_head.weight.',
      'Of another shape: blocks.0.gamma_1 ([5], expected [4]), ids (int32 [2], expected [2]).',
    ].join('\n'),
  );
  expect(describeFit(fitParameters({}, {}))).toBe('');
});

test('names that every object has are only names', () => {
  const fit = fitParameters({ constructor: zeros([1]) } as unknown as NamedTensors, { toString: [1] });
  expect([fit.missing, fit.extra]).toEqual([['toString'], ['constructor']]);
});
