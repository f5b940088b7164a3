/**
 * A process that runs test files on the `cpu` backend and writes down what they computed. Arguments: the script with
 * the tests, the names of files, a pattern of tests, and the file to write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { serialize } from 'node:v8';
import { compileFunction } from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import type { Program } from './program';
import { recordKernels } from './recordKernels';

/** A test that ran. */
export interface RecordedTest {
  /** Its file, without `_test.js`. */
  readonly file: string;
  readonly test: string;
  /** Whether TensorFlow.js itself passes it. */
  readonly passed: boolean;
  /** From the tensors that it made to those that it read; `undefined` where it read nothing that was computed. */
  readonly program: Program | undefined;
}

interface Spec {
  readonly id: string;
  readonly fullName: string;
  readonly status: 'passed' | 'failed' | 'pending' | 'excluded';
}
interface JasmineEnv {
  addReporter(reporter: { specStarted(spec: Spec): void; specDone(spec: Spec): void }): void;
  configure(options: Record<string, unknown>): void;
  execute(): Promise<unknown>;
}

const [bundle, files, filter, result] = process.argv.slice(2) as [string, string, string, string];
const require = createRequire(import.meta.url);

await tf.setBackend('cpu');
const recorder = recordKernels();
const jasmine = require('jasmine-core').boot() as { getEnv(): JasmineEnv };
const script: {
  registerTestEnv?: (env: { name: string; backendName: string; isDataSync: boolean }) => void;
  tests?: Record<string, () => void>;
} = {};
compileFunction(readFileSync(bundle, 'utf8'), ['exports', 'require'], { filename: bundle })(script, require);
script.registerTestEnv!({ name: 'cpu', backendName: 'cpu', isDataSync: true });

/** Suites are named after the environment, too. */
const nameOf = (fullName: string) => fullName.replaceAll(/ cpu \{\}/g, '').replaceAll(/ +/g, ' ');
const pattern = new RegExp(filter);
const env = jasmine.getEnv();
/** The one that is being loaded. */
let file = '';
const fileOf = new Map<string, string>();
env.configure({
  random: false,
  forbidDuplicateNames: false,
  specFilter: (spec: { readonly id: string; getFullName(): string }) =>
    pattern.test(`${fileOf.get(spec.id)}: ${nameOf(spec.getFullName())}`),
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
const tests: RecordedTest[] = [];
env.addReporter({
  specStarted: () => recorder.begin(),
  specDone: ({ id, fullName, status }) => {
    if (status === 'excluded' || status === 'pending') return;
    tests.push({
      file: fileOf.get(id)!,
      test: nameOf(fullName),
      passed: status === 'passed',
      program: recorder.end(),
    });
  },
});
await env.execute();
writeFileSync(result, serialize(tests));
process.exit(0);
