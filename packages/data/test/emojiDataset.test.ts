import { emojiDataset } from '../src';

test('every held-out emoji has a name, a group and a subgroup; the split stays as it is', async () => {
  const seen: number[] = [];
  const { emoji, source } = await emojiDataset({
    split: 'heldOut',
    size: 4,
    onProgress: (done, total) => seen.push(done / total),
  });
  expect(emoji).toHaveLength(293);
  expect(source.names).toEqual(emoji.map(({ id }) => id));
  expect(source).toMatchObject({ kind: 'memory', size: 4 });
  expect(seen).toHaveLength(293);
  expect(seen.at(-1)).toBe(1);
  for (const { id, name, group, subgroup } of emoji) {
    expect([id, name === id, group === 'other', subgroup === 'other']).toEqual([id, false, false, false]);
  }
  expect(emoji.slice(0, 6).map(({ name }) => name)).toEqual([
    'keycap: #',
    'keycap: 1',
    'AB button (blood type)',
    'flag: Burundi',
    'flag: Botswana',
    'flag: Costa Rica',
  ]);
});

test('a larger held-out share has its size, and holds what a smaller one does', async () => {
  const bases = async (heldOutShare?: number) => {
    const { emoji } = await emojiDataset({ split: 'heldOut', size: 1, heldOutShare });
    return new Set(emoji.map(({ base }) => base));
  };
  const [small, usual, large] = [await bases(0.05), await bases(), await bases(0.15)];
  for (const base of small) expect(usual).toContain(base);
  for (const base of usual) expect(large).toContain(base);
  expect(small.size / large.size).toBeCloseTo(1 / 3, 1);
  expect(usual.size / large.size).toBeCloseTo(2 / 3, 1);
});

test.each([0, 1, -0.1, Number.NaN])('a held-out share of %d is refused', async (heldOutShare) => {
  await expect(emojiDataset({ split: 'all', size: 1, heldOutShare })).rejects.toThrow(
    `heldOutShare is ${heldOutShare}; expected a number above 0 and below 1.`,
  );
});
