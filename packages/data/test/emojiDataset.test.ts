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
