/**
 * A process that runs test files on the `cpu` backend and sends what they computed. Arguments: the script with the
 * tests, the names of files, and a pattern of tests.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import type { Program } from './program';
import { recordKernels } from './recordKernels';

/** What such a process sends. */
export type Recorded =
  | { readonly kind: 'program'; readonly program: Program }
  /** How a test ended in TensorFlow.js itself, and whether it read anything that was computed. */
  | { readonly kind: 'test'; readonly file: string; readonly test: string; readonly passed: boolean }
  | { readonly kind: 'done' };

interface Spec {
  readonly id: string;
  readonly fullName: string;
  readonly status: 'passed' | 'failed' | 'pending' | 'excluded';
}
interface JasmineEnv {
  addReporter(reporter: { specStarted(spec: Spec): void; specDone(spec: Spec): Promise<void> }): void;
  configure(options: Record<string, unknown>): void;
  execute(): Promise<unknown>;
}

const [bundle, files, filter] = process.argv.slice(2) as [string, string, string];
const require = createRequire(import.meta.url);
const send = (message: Recorded) =>
  new Promise<void>((resolve) => process.send!(message, undefined, {}, () => resolve()));

await tf.setBackend('cpu');
const recorder = recordKernels();
const jasmine = require('jasmine-core').boot() as { getEnv(): JasmineEnv };
const script: {
  registerTestEnv?: (env: { name: string; backendName: string; isDataSync: boolean }) => void;
  tests?: Record<string, () => void>;
} = {};
compileFunction(readFileSync(bundle, 'utf8'), ['exports', 'require'], { filename: bundle })(script, require);
script.registerTestEnv!({ name: 'cpu', backendName: 'cpu', isDataSync: true });

const pattern = new RegExp(filter);
const env = jasmine.getEnv();
/** The one that is being loaded. */
let file = '';
const fileOf = new Map<string, string>();
env.configure({
  random: false,
  forbidDuplicateNames: false,
  specFilter: (spec: { getFullName(): string }) => pattern.test(spec.getFullName()),
});
const global = globalThis as unknown as Record<string, unknown>;
const { it } = global as { it: (name: string, ...rest: unknown[]) => { readonly id: string } };
global.it = (...args: Parameters<typeof it>) => {
  const spec = it(...args);
  fileOf.set(spec.id, file);
  return spec;
};
// What is logged is TensorFlow.js's own.
for (const method of ['log', 'warn', 'info', 'error'] as const) console[method] = () => {};
for (const name of JSON.parse(files) as string[]) {
  file = name;
  script.tests![name]!();
}
env.addReporter({
  specStarted: () => recorder.begin(),
  specDone: async ({ id, fullName, status }) => {
    if (status === 'excluded' || status === 'pending') return;
    const test = fullName.replace(' cpu {}', '');
    const where = { file: fileOf.get(id) ?? '', test };
    const recorded = recorder.end();
    if (recorded) await send({ kind: 'program', program: { ...recorded, ...where } });
    await send({ kind: 'test', ...where, passed: status === 'passed' });
  },
});
await env.execute();
await send({ kind: 'done' });
process.exit(0);
