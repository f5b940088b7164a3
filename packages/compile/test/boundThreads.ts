/** Runs an OpenVINO program of one thread, and prints which threads of this process were bound to a processor meanwhile. */
import { readdirSync, readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { compile } from '../src';

/** The processors that a thread may run on: `0-3`. */
const allowed = (thread: string) =>
  /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync(`/proc/self/task/${thread}/status`, 'utf8'))![1]!;

const all = allowed(String(process.pid));
/** The threads that may not run on all processors that this process may run on. */
function boundThreads(): string[] {
  return readdirSync('/proc/self/task').filter((thread) => {
    try {
      return allowed(thread) !== all;
    } catch {
      return false; // It has ended meanwhile.
    }
  });
}

const size = 512;
const data = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i));
const state = { x: { dtype: 'float32', shape: [size, size], data } } as const;
const step = ({ x }: { x: tf.Tensor }) => {
  let y = x;
  for (let i = 0; i < 20; i++) y = tf.matMul(y, x).tanh();
  return { state: { x: y }, outputs: {} };
};
const options = { engine: 'openvino', numThreads: 1, programCache: false } as const;
const program = await compile(step, { state, inputs: {} }, options);
let running = true;
const run = program.run({}).finally(() => {
  running = false;
});
const bound = new Set<string>();
let looks = 0;
while (running) {
  for (const thread of boundThreads()) bound.add(thread);
  looks += 1;
  await new Promise((resolve) => setTimeout(resolve, 1));
}
await run;
await program.dispose();
console.log(JSON.stringify({ looks, bound: [...bound] }));
