import { assertMemory, assertParameterCount } from '../src';

test('numbers with digits too many are told, those of the largest models are not', () => {
  assertParameterCount('It', { 'vit-22b': [48, 6144, 12, 6144] });
  expect(() => assertParameterCount('It', { a: [1], b: [1e6, 1e6] })).toThrow(
    'It would have 1.00e+12 parameters; expected at most 1e+11. Look at its sizes.',
  );
  expect(() => assertParameterCount('It', { a: [Number.NaN] })).toThrow('It would have NaN parameters');
});

test('what memory cannot hold is told before it is taken', () => {
  assertMemory('It', { a: [250] }, 1000);
  assertMemory('It', { a: [1000, 1000] });
  expect(() => assertMemory('It', { a: [1], b: [250, 1e6] }, 0.9e9)).toThrow(
    'It takes 1.00 GB of memory for its parameters alone, and this machine has 0.900 GB.',
  );
  // Of this machine: a petabyte.
  expect(() => assertMemory('It', { a: [250, 1e12] })).toThrow(RangeError);
});
