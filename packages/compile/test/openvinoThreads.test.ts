import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { availableEngines, compile } from '../src';
import { numbers } from './engineDifference';

/** The processors that a thread may run on: `0-3`. */
const allowed = (thread: string) =>
  /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync(`/proc/self/task/${thread}/status`, 'utf8'))![1]!;

/** The threads that may not run on all processors that this process may run on. */
function boundThreads(): string[] {
  const all = allowed(String(process.pid));
  return readdirSync('/proc/self/task').filter((thread) => {
    try {
      return allowed(thread) !== all;
    } catch {
      return false; // It has ended meanwhile.
    }
  });
}

const observable = process.platform === 'linux' && availableParallelism() > 1;

(observable ? test : test.skip)(
  'programs of one thread are bound to no processor, where another process would bind itself too',
  async () => {
    if (!(await availableEngines()).includes('openvino')) {
      if (process.env.CI) throw new Error('OpenVINO is not installed.');
      return;
    }
    const state = { x: numbers([512, 512], 1) };
    const step = ({ x }: { x: tf.Tensor }) => {
      let y = x;
      for (let i = 0; i < 20; i++) y = tf.matMul(y, x).tanh();
      return { state: { x: y }, outputs: {} };
    };
    const program = await compile(
      step,
      { state, inputs: {} },
      { engine: 'openvino', numThreads: 1, programCache: false },
    );
    let running = true;
    const run = program.run({}).finally(() => {
      running = false;
    });
    const seen: string[] = [];
    let looks = 0;
    while (running) {
      seen.push(...boundThreads());
      looks += 1;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await run;
    await program.dispose();
    expect(looks).toBeGreaterThan(1);
    expect(seen).toEqual([]);
  },
);
