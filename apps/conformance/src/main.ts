/** See `HELP`. */
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import {
  flag,
  option,
  optionHelp,
  parseOptionTable,
  path,
  repeatable,
  runMain,
  text,
  UsageError,
} from '@beit/cli';
import { availableEngines } from '@beit/compile';
import { applyExceptions } from './applyExceptions';
import { type Comparison, conformance } from './conformance';
import { EXCEPTIONS } from './exceptions';
import type { Runner } from './runProgram';
import { showProgram } from './showProgram';
import { table } from './table';

const OPTIONS = {
  engine: repeatable('NAME', 'openvino, onnxruntime, xla, or onnx (an exported file); may be repeated', text),
  filter: option('REGEX', "the tests whose name, such as 'ops/relu: relu basic', matches", regularExpression),
  verbose: flag('every tensor that is not equal: its test, what came out, and the program'),
  json: option('FILE', 'the same as data', path),
};

const HELP = `Usage: pnpm conformance [options]

Runs TensorFlow.js's own op tests, as published on npm, on its cpu backend, and computes every tensor that a test reads
again through @beit/compile, with the test's tensors as inputs and as constants, by every engine that is installed, and
as an exported ONNX file. Counts the tensors: equal, different, refused (by an error that says by name what can't be
done), another error, a process that crashed; known are the exceptions of apps/conformance/src/exceptions.ts, each of
which has a reason there.

${optionHelp(OPTIONS)}

Exits with 1 when a tensor differs, an error names nothing, a process crashes, a known exception is none any more, or
nothing was compared.`;

function regularExpression(text: string, flag: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new UsageError(
      `--${flag} is '${text}'; expected a regular expression: ${(error as Error).message}.`,
    );
  }
}

async function runnersHere(): Promise<Runner[]> {
  const installed = await availableEngines();
  if (!installed.includes('onnxruntime'))
    throw new Error(
      "The engine 'onnxruntime' can't be used here, but onnxruntime-node comes with npm install.",
    );
  return [
    ...(['openvino', 'onnxruntime', 'xla'] as const).filter((engine) => installed.includes(engine)),
    'onnx',
  ];
}

async function main(): Promise<number> {
  const parsed = parseOptionTable(OPTIONS, process.argv.slice(2));
  if (parsed === 'help') {
    console.log(HELP);
    return 0;
  }
  const { values } = parsed;
  const here = await runnersHere();
  const unknown = values.engine.find((name) => !here.some((runner) => runner === name));
  if (unknown !== undefined)
    throw new UsageError(`There is no engine '${unknown}' here. Engines: ${here.join(', ')}.`);
  const runners = values.engine.length === 0 ? here : here.filter((runner) => values.engine.includes(runner));

  const { filter = /(?:)/ } = values;
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
    await writeFile(
      values.json,
      `${JSON.stringify({ failed, irreproducible, comparisons: rows }, null, 1)}\n`,
    );
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
  return bad.length + outdated.length === 0 && comparisons.length > 0 ? 0 : 1;
}

function describe({ file, test, runner, mode, program, verdict }: Comparison): string {
  const message = verdict.kind === 'equal' ? '' : verdict.message;
  return [
    `${runner}, ${mode}: ${verdict.kind}: ${file}: ${test}`,
    message.replaceAll(/^/gm, '  '),
    showProgram(program).replaceAll(/^/gm, '    '),
  ].join('\n');
}

await runMain(main);
