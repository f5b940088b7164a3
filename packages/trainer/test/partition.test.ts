import { partition, shardOf } from '../src/partition';

const tensorsOf = (sizes: readonly number[]) =>
  Object.fromEntries(sizes.map((size, i) => [`t${i}`, { shape: [size] }]));
const sizeOf = (names: readonly string[], tensors: ReturnType<typeof tensorsOf>) =>
  names.reduce((sum, name) => sum + tensors[name]!.shape[0]!, 0);

test('every tensor has one keeper, and no part is larger than another by more than the largest tensor', () => {
  for (let round = 0; round < 50; round++) {
    const tensors = tensorsOf(
      Array.from({ length: 8 + round }, (_, i) => 1 + ((i * i * 7919 + round) % 1000)),
    );
    const parts = partition(tensors, 1 + (round % 8));
    expect(parts.flat().sort()).toEqual(Object.keys(tensors).sort());
    const sizes = parts.map((names) => sizeOf(names, tensors));
    const largest = Math.max(...Object.values(tensors).map(({ shape }) => shape[0]!));
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(largest);
  }
});

test('the same whatever the order of the record', () => {
  const tensors = tensorsOf([5, 5, 5, 3, 3, 9]);
  const reversed = Object.fromEntries(Object.entries(tensors).reverse());
  expect(partition(reversed, 3)).toEqual(partition(tensors, 3));
});

test('fewer tensors than processes are an error', () => {
  expect(() => partition(tensorsOf([1, 2]), 3)).toThrow(/2 tensors cannot be shared by 3 processes/);
});

test("a process keeps its part and what is nobody's", () => {
  expect(shardOf({ a: 1, b: 2, frozen: 3 }, [['a'], ['b']], 1)).toEqual({ b: 2, frozen: 3 });
});
