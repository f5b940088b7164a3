import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { availableEngines } from '@beit/compile';
import { applyExceptions } from './applyExceptions';
import { type Comparison, conformance } from './conformance';
import { EXCEPTIONS } from './exceptions';
import type { Runner } from './runProgram';
import { showProgram } from './showProgram';
import { table } from './table';

const HELP = `Usage: pnpm conformance [--engine NAME] [--filter REGEX] [--verbose] [--json FILE]

Runs TensorFlow.js's own op tests, as published on npm, on its cpu backend, and computes every tensor that a test reads
again through @beit/compile, with the test's tensors as inputs and as constants, by every engine that is installed, and
as an exported ONNX file. Counts the tensors: equal, different, refused (by an error that says by name what can't be
done), another error, a process that crashed; known are the exceptions of apps/conformance/src/exceptions.ts, each of
which has a reason there.

  --engine NAME   openvino, onnxruntime, xla, or onnx (an exported file); may be repeated
  --filter REGEX  the tests whose name, such as 'ops/relu: relu basic', matches
  --verbose       every tensor that is not equal: its test, what came out, and the program
  --json FILE     the same as data

Exits with 1 when a tensor differs, an error names nothing, a process crashes, a known exception is none any more, or
nothing was compared.`;

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
if (!installed.includes('onnxruntime')) {
  console.error("The engine 'onnxruntime' can't be used here, but onnxruntime-node comes with npm install.");
  process.exit(2);
}
const here: Runner[] = [
  ...(['openvino', 'onnxruntime', 'xla'] as const).filter((engine) => installed.includes(engine)),
  'onnx',
];
const runners = (values.engine ?? here) as Runner[];
const unknown = runners.find((runner) => !here.includes(runner));
if (unknown !== undefined) {
  console.error(`There is no engine '${unknown}' here. Engines: ${here.join(', ')}.`);
  process.exit(2);
}

const filter = new RegExp(values.filter ?? '');
let shown = 0;
const { comparisons, tests, irreproducible } = await conformance(
  runners,
  filter,
  availableParallelism(),
  (some, share) => {
    if (values.verbose) {
      for (const row of some) if (row.verdict.kind !== 'equal') console.log(`${describe(row)}\n`);
    }
    const tenth = Math.floor(10 * share);
    if (tenth > shown) console.error(`${10 * tenth}%`);
    shown = tenth;
  },
);
const taking = EXCEPTIONS.filter(({ file, test }) => filter.test(`${file}: ${test}`));
const { bad, excused, outdated } = applyExceptions(comparisons, runners, taking);

const failed = tests.flatMap(({ file, test, passed }) => (passed ? [] : [`${file}: ${test}`]));
if (values.json !== undefined) {
  const rows = comparisons.map(({ program, ...row }) =>
    row.verdict.kind === 'equal'
      ? row
      : { ...row, kernels: program.calls.map(({ kernel }) => kernel), program: showProgram(program) },
  );
  // Package scripts run in another folder than the one where the command was typed.
  const file = resolve(process.env.INIT_CWD ?? process.cwd(), values.json);
  await writeFile(file, `${JSON.stringify({ failed, irreproducible, comparisons: rows }, null, 1)}\n`);
}
console.log(table(comparisons, runners, excused));
console.log(
  `${tests.length} tests, of which TensorFlow.js itself fails ${failed.length}; of what they read, it does not compute ` +
    `${irreproducible} tensors the same way twice, which are left out.`,
);
for (const row of bad)
  console.log(`${row.runner}, ${row.mode}: ${row.verdict.kind}: ${row.file}: ${row.test}`);
for (const { exception, runners: needless } of outdated) {
  console.log(`No exception any more: ${needless.join(', ')}: ${exception.file}: ${exception.test}`);
}
if (comparisons.length === 0) console.error('Nothing was compared.');
process.exitCode = bad.length + outdated.length === 0 && comparisons.length > 0 ? 0 : 1;

function describe({ file, test, runner, mode, program, verdict }: Comparison): string {
  const message = verdict.kind === 'equal' ? '' : verdict.message;
  return [
    `${runner}, ${mode}: ${verdict.kind}: ${file}: ${test}`,
    message.replaceAll(/^/gm, '  '),
    showProgram(program).replaceAll(/^/gm, '    '),
  ].join('\n');
}
