import { createRandom } from '@beit/random';
import { createRandomMasking } from '../src/createRandomMasking';

test('exactly the asked number, each patch equally often', () => {
  const { generate, maxMasked } = createRandomMasking({ gridSize: [4, 6], maskRatio: 0.4 });
  expect(maxMasked).toBe(10);
  const random = createRandom('random masking');
  const samples = 20000;
  const hits = new Float64Array(24);
  for (let i = 0; i < samples; i++) {
    const mask = generate(random);
    expect(mask.reduce((sum, value) => sum + value, 0)).toBe(10);
    for (const [cell, value] of mask.entries()) hits[cell]! += value;
  }
  const p = 10 / 24;
  // Five standard deviations for each of the 24: a significance below 2e-5 in all.
  for (const count of hits) {
    expect(Math.abs(count - samples * p)).toBeLessThan(5 * Math.sqrt(samples * p * (1 - p)));
  }
});

test('every choice of two patches out of four is equally likely', () => {
  const { generate } = createRandomMasking({ gridSize: 2, numMaskingPatches: 2 });
  const random = createRandom('choices');
  const choices = new Map<string, number>();
  for (let i = 0; i < 12000; i++) {
    const choice = generate(random).join('');
    choices.set(choice, (choices.get(choice) ?? 0) + 1);
  }
  expect(choices.size).toBe(6);
  for (const count of choices.values()) {
    expect(Math.abs(count - 2000)).toBeLessThan(5 * Math.sqrt(12000 * (1 / 6) * (5 / 6)));
  }
});

test('a full mask is possible', () => {
  expect(createRandomMasking({ gridSize: 2, maskRatio: 1 }).generate(1)).toEqual(Uint8Array.of(1, 1, 1, 1));
});

test('a source that is not uniform on [0, 1) is refused', () => {
  const { generate } = createRandomMasking({ gridSize: 4, numMaskingPatches: 4 });
  expect(() => generate({ uniform: () => 1 })).toThrow('must return numbers in [0, 1)');
  expect(() => generate({ uniform: () => Number.NaN })).toThrow('must return numbers in [0, 1)');
});
