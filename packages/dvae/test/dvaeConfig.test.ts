import { DALL_E, type DvaeConfig, downsampling, resolveDvaeConfig } from '../src/dvaeConfig';

const small: DvaeConfig = { vocabSize: 16, hiddenDim: 8, decoderInitDim: 4 };

test('four groups of two blocks, a factor of 8, unless asked otherwise', () => {
  expect(resolveDvaeConfig(small)).toEqual({ ...small, numGroups: 4, blocksPerGroup: 2 });
  expect(downsampling(resolveDvaeConfig(DALL_E))).toBe(8);
  expect(downsampling(resolveDvaeConfig({ ...small, numGroups: 1 }))).toBe(1);
});

test.each<[Partial<DvaeConfig>, RegExp]>([
  [{ vocabSize: 1 }, /vocabSize is 1; expected at least 2/],
  [{ vocabSize: 8.5 }, /vocabSize is 8.5; expected a positive integer/],
  [{ hiddenDim: 6 }, /hiddenDim is 6; expected a multiple of 4/],
  [{ decoderInitDim: 0 }, /decoderInitDim is 0; expected a positive integer/],
  [{ numGroups: -1 }, /numGroups is -1; expected an integer from 1 to 16/],
  [{ blocksPerGroup: Number.NaN }, /blocksPerGroup is NaN; expected an integer from 1 to 256/],
])('%j is refused by name', (wrong, message) => {
  expect(() => resolveDvaeConfig({ ...small, ...wrong })).toThrow(RangeError);
  expect(() => resolveDvaeConfig({ ...small, ...wrong })).toThrow(message);
});
