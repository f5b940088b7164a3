import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { availableEngines } from '@beit/compile';
import { conformance } from './conformance';
import type { Runner } from './runProgram';
import { showProgram } from './showProgram';
import { table } from './table';

const HELP = `Usage: pnpm conformance [--engine NAME] [--filter REGEX] [--verbose] [--json FILE]

Runs TensorFlow.js's own op tests, as published on npm, on its cpu backend, computes every tensor that a test reads
again through @beit/compile, on every engine that is installed and as an exported ONNX file, with the test's tensors as
inputs and as constants, and compares the numbers.

  --engine NAME   openvino, onnxruntime or onnx (an exported file); several times for several
  --filter REGEX  the tests whose name matches
  --verbose       every tensor that differs or fails: test, program, what was expected and what came out
  --json FILE     the same as data

Exits with 1 when a number differs, an error does not name what can't be done, or a process crashes, but for the
exceptions of apps/conformance/src/exceptions.ts.`;

const { values } = parseArgs({
  // pnpm hands on a '--' that separates its own options.
  args: process.argv.slice(2).filter((argument) => argument !== '--'),
  options: {
    help: { type: 'boolean', short: 'h' },
    engine: { type: 'string', multiple: true },
    filter: { type: 'string' },
    verbose: { type: 'boolean' },
    json: { type: 'string' },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const installed = await availableEngines();
const here: Runner[] = [
  ...(['openvino', 'onnxruntime'] as const).filter((engine) => installed.includes(engine)),
  'onnx',
];
const runners = (values.engine ?? here) as Runner[];
const unknown = runners.find((runner) => !here.includes(runner));
if (unknown !== undefined) {
  console.error(`There is no engine '${unknown}' here. Engines: ${here.join(', ')}.`);
  process.exit(2);
}
const filter = new RegExp(values.filter ?? '');
const result = await conformance(runners, filter, availableParallelism(), (done, all) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${all} tests`);
});
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
const bad = result.comparisons.filter(
  ({ verdict }) => verdict.kind !== 'equal' && verdict.kind !== 'refused',
);
if (values.verbose) {
  for (const { file, test, runner, mode, program, verdict } of result.comparisons) {
    if (verdict.kind === 'equal') continue;
    console.log(
      `${runner}, ${mode}: ${verdict.kind}: ${file}: ${test}\n  ${verdict.message.replaceAll('\n', '\n  ')}`,
    );
    console.log(`${showProgram(program).replaceAll(/^/gm, '    ')}\n`);
  }
}
if (values.json !== undefined) {
  const rows = result.comparisons.map(({ program, ...row }) =>
    row.verdict.kind === 'equal'
      ? row
      : { ...row, kernels: program.calls.map((call) => call.kernel), program: showProgram(program) },
  );
  const typedIn = process.env.INIT_CWD ?? process.cwd();
  await writeFile(
    resolve(typedIn, values.json),
    `${JSON.stringify({ ...result, comparisons: rows, irreproducible: result.irreproducible.map(({ program, ...row }) => ({ ...row, program: showProgram(program) })) }, null, 1)}\n`,
  );
}
console.log(table(result.comparisons, runners));
console.log(
  `${result.tests} tests, ${result.failed.length} of which TensorFlow.js itself fails; ${result.irreproducible.length} tensors can't be computed twice.`,
);
process.exitCode = bad.length === 0 ? 0 : 1;
