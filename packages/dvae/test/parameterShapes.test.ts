import { sizeOf } from '@beit/tensors';
import fc from 'fast-check';
import { createDvae } from '../src/createDvae';
import { DALL_E } from '../src/dvaeConfig';
import { multiplyAdds } from '../src/multiplyAdds';

const count = (shapes: Record<string, number[]>, part: string) =>
  Object.entries(shapes)
    .filter(([name]) => name.startsWith(part))
    .map(([, shape]) => sizeOf(shape));
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

test('DALL-E has the published number of tensors and parameters', () => {
  const shapes = createDvae(DALL_E).parameterShapes();
  expect(count(shapes, 'encoder.')).toHaveLength(74);
  expect(sum(count(shapes, 'encoder.'))).toBe(53_786_240);
  expect(count(shapes, 'decoder.')).toHaveLength(76);
  expect(sum(count(shapes, 'decoder.'))).toBe(43_829_766);
});

test.each([
  [64, 8.5, 9.6],
  [112, 26.1, 29.5],
  [224, 104, 118],
  [256, 136, 154],
])('DALL-E on %d pixels: %d and %d billion multiply-adds', (imageSize, encoder, decoder) => {
  const { config } = createDvae(DALL_E);
  const measured = multiplyAdds(config, imageSize);
  // As many digits as the table has.
  expect(Math.abs(measured.encoder / 1e9 - encoder)).toBeLessThan(encoder < 100 ? 0.051 : 0.51);
  expect(Math.abs(measured.decoder / 1e9 - decoder)).toBeLessThan(decoder < 100 ? 0.051 : 0.51);
});

test('each part widens or narrows by twos', () => {
  const configs = fc.record({
    vocabSize: fc.integer({ min: 2, max: 40 }),
    hiddenDim: fc.integer({ min: 1, max: 6 }).map((quarter) => 4 * quarter),
    decoderInitDim: fc.integer({ min: 1, max: 20 }),
    numGroups: fc.integer({ min: 1, max: 5 }),
    blocksPerGroup: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(configs, (config) => {
      const shapes = createDvae(config).parameterShapes();
      const { hiddenDim, numGroups, blocksPerGroup, decoderInitDim } = config;
      for (let group = 1; group <= numGroups; group++) {
        const last = `blocks.group_${group}.block_${blocksPerGroup}.res_path.conv_4.b`;
        expect(shapes[`encoder.${last}`]).toEqual([hiddenDim * 2 ** (group - 1)]);
        expect(shapes[`decoder.${last}`]).toEqual([hiddenDim * 2 ** (numGroups - group)]);
      }
      const widest = hiddenDim * 2 ** (numGroups - 1);
      expect('decoder.blocks.group_1.block_1.id_path.w' in shapes).toBe(widest !== decoderInitDim);
      expect('encoder.blocks.group_1.block_1.id_path.w' in shapes).toBe(false);
    }),
    { seed: 1, numRuns: 50 },
  );
});

test('an option that does not exist is refused', () => {
  const config = { vocabSize: 8, hiddenDim: 8, decoderInitDim: 4, hidden: 8 };
  expect(() => createDvae(config)).toThrow('There is no option "hidden"; options: vocabSize, hiddenDim');
});
