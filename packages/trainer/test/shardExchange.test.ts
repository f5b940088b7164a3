import { partition } from '../src/partition';
import { shardExchange } from '../src/shardExchange';
import { pretendedJob } from './pretendedJob';

const SIZES = { a: 503, b: 300, c: 1, d: 499, e: 7 };
/** Tensors lie across the borders of such buckets. */
const BUCKET_BYTES = 1000;
type Name = keyof typeof SIZES;
const names = Object.keys(SIZES) as Name[];
const filled = (value: (name: Name, i: number) => number) =>
  Object.fromEntries(
    names.map((name) => {
      const data = Float32Array.from({ length: SIZES[name] }, (_, i) => value(name, i));
      return [name, { dtype: 'float32', shape: [SIZES[name]], data } as const];
    }),
  );
const place = (name: Name, i: number) => names.indexOf(name) + i;

test.each([2, 3])('%d processes: sums to their keepers, and all parts to all', async (size) => {
  const { jobs, calls } = pretendedJob(size);
  const parts = partition(filled(place), size);
  await Promise.all(
    jobs.map(async (job) => {
      const exchange = shardExchange(parts, filled(place), job, BUCKET_BYTES);
      const own = await exchange.reduceScatter(filled((name, i) => place(name, i) + job.rank));
      expect(Object.keys(own).sort()).toEqual([...parts[job.rank]!].sort());
      const ranks = (size * (size - 1)) / 2;
      for (const [name, { data }] of Object.entries(own)) {
        expect(data.length).toBe(SIZES[name as Name]);
        expect(data.every((x, i) => x === size * place(name as Name, i) + ranks)).toBe(true);
      }
      const all = filled(() => 0);
      await exchange.allGather(own, all);
      for (const name of names)
        expect((all[name]!.data as Float32Array).every((x, i) => x === size * place(name, i) + ranks)).toBe(
          true,
        );
    }),
  );
  expect(calls()).toBeGreaterThan(2);
});

test('what a group does not have is passed over', async () => {
  const { jobs } = pretendedJob(2);
  const tensors = { a: filled(place).e!, b: filled(place).c! };
  const got = await Promise.all(
    jobs.map(async (job) => {
      const exchange = shardExchange([['a'], ['b']], tensors, job);
      const into = job.rank === 0 ? filled(() => 0) : {};
      await exchange.allGather(job.rank === 0 ? { a: tensors.a } : {}, into);
      return into;
    }),
  );
  expect([...got[0]!.a!.data].slice(0, 7)).toEqual([...tensors.a.data]);
  expect(got[1]).toEqual({});
});
