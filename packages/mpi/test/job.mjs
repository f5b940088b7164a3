/** A process of a job: does what its argument says, and writes what it got to a file of its own in a folder. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertAgreement, connectMpi, gatherTexts } from '../src/index.ts';

const [, , task, folder] = process.argv;
const mpi = await connectMpi();
const { rank, size } = mpi;
const tell = (name, value) => writeFileSync(join(folder, `${name}-${rank}.json`), JSON.stringify(value));
const errorOf = (call) =>
  call().then(
    () => undefined,
    (error) => error.message,
  );

const tasks = {
  async collectives() {
    const results = { size, library: mpi.library };
    for (const [name, TypedArray] of Object.entries({ Float32Array, Float64Array, Int32Array }))
      for (const reduction of ['sum', 'max', 'min']) {
        const data = TypedArray.of(rank + 1, -rank, 10);
        await mpi.allReduce(data, reduction);
        results[`${name} ${reduction}`] = [...data];
      }
    for (let root = 0; root < size; root++) {
      const data = Uint8Array.of(rank, 100 + rank);
      await mpi.broadcast(data, root);
      results[`broadcast ${root}`] = [...data];
    }
    results.allGather = [...(await mpi.allGather(Int32Array.of(rank, rank * rank)))];
    const parts = Float32Array.from({ length: 2 * size }, (_, i) => i + rank);
    results.reduceScatter = [...(await mpi.reduceScatter(parts))];
    const [own, all] = [new Float32Array(2), new Float32Array(4 * size)];
    await mpi.reduceScatter(parts, own);
    await mpi.allGather(own, all.subarray(size, 3 * size));
    results.intoArrays = [...own, ...all];
    results.texts = await gatherTexts(mpi, 'é'.repeat(rank));
    // Asked for at once, they run in the order of asking.
    const [a, b] = [Float32Array.of(1), Float32Array.of(2)];
    await Promise.all([mpi.allReduce(a), mpi.barrier(), mpi.allReduce(b)]);
    results.queued = [a[0], b[0]];
    const long = new Float32Array(3e6).fill(rank);
    await mpi.allReduce(long);
    results.long = [long[0], long.at(-1)];
    results.refused = [await errorOf(() => mpi.broadcast(Float32Array.of(1), size))];
    results.refused.push(await errorOf(() => mpi.allGather(own, all)));
    if (size > 1) results.refused.push(await errorOf(() => mpi.reduceScatter(new Float32Array(size + 1))));
    tell('collectives', results);
  },
  async agreement() {
    const facts = { version: 1, recipe: { name: 'a', seed: rank === 1 ? 5 : 4 }, images: 100 };
    tell('agreement', await errorOf(() => assertAgreement(mpi, facts)));
    tell('agreed', (await errorOf(() => assertAgreement(mpi, { version: 1 }))) ?? 'yes');
  },
  async killed() {
    tell('pid', process.pid);
    await mpi.barrier();
    // The others wait for it in vain.
    if (rank === 1) process.kill(process.pid, 'SIGKILL');
    await mpi.allReduce(Float32Array.of(1));
  },
  async aborted() {
    if (rank === 0) mpi.abort(7);
    await mpi.allReduce(Float32Array.of(1));
  },
};
await tasks[task]();
await mpi.close();
