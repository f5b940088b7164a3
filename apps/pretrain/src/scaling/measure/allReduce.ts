/** The time of all-reduce by size, between the processes that mpirun started; the first one prints `AllReduceTimes`. */
import { median } from '@beit/measurements';
import { connectMpi } from '@beit/mpi';
import type { AllReduceTask, AllReduceTimes } from './measureNetwork';

const WARM_UP = 3;
/** Short ones are over before an interruption is: they need more of them for a median. */
const BYTES_IN_ALL = 2 ** 22;
const MOST_REPEATS = 100;
const { bytes: sizes, repeats } = JSON.parse(process.argv[2]!) as AllReduceTask;
const mpi = await connectMpi();
const points: { bytes: number; seconds: number }[] = [];
for (const bytes of sizes) {
  const data = new Float32Array(bytes / Float32Array.BYTES_PER_ELEMENT);
  const times: number[] = [];
  const count = Math.max(repeats, Math.min(MOST_REPEATS, BYTES_IN_ALL / bytes));
  // The first ones make connections and touch memory.
  for (let i = -WARM_UP; i < count; i++) {
    await mpi.barrier();
    const began = performance.now();
    await mpi.allReduce(data);
    const slowest = Float64Array.of((performance.now() - began) / 1000);
    await mpi.allReduce(slowest, 'max');
    if (i >= 0) times.push(slowest[0]!);
  }
  points.push({ bytes, seconds: median(times) });
}
const times: AllReduceTimes = { library: mpi.library, points };
if (mpi.rank === 0) console.log(JSON.stringify(times));
await mpi.close();
