import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import type { Engine } from './engines';
import { type ParityRow, parity } from './parity';

const HELP = `Usage: pnpm parity [DIR] [--engine NAME]

Compares what the packages compute with the numbers of the reference implementations: for every fixture file in DIR
(default: the project's own), one line per group of quantities, with the largest error relative to the largest
magnitude, for every engine that is installed, or the one that is named; openvino-bf16 and xla-bf16 are those engines with
products in bfloat16. Exits with 1 when one is above its tolerance.`;

const { values, positionals } = parseArgs({
  // pnpm hands on a '--' that separates its own options.
  args: process.argv.slice(2).filter((argument) => argument !== '--'),
  allowPositionals: true,
  options: { help: { type: 'boolean', short: 'h' }, engine: { type: 'string' } },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

tf.enableProdMode();
// Package scripts run in another folder than the one where the command was typed.
const typedIn = process.env.INIT_CWD ?? process.cwd();
const folder =
  positionals[0] !== undefined
    ? resolve(typedIn, positionals[0])
    : fileURLToPath(new URL('../../../fixtures', import.meta.url));
console.log(
  `${'fixture'.padEnd(40)} ${'engine'.padEnd(13)} ${'quantity'.padEnd(34)} ${'error'.padStart(9)}  allowed`,
);
const engines = values.engine === undefined ? undefined : [values.engine as Engine];
const showRow = ({ file, engine, group, error, tolerance }: ParityRow) => {
  const verdict = error <= tolerance ? '' : '  FAILED';
  console.log(
    `${file.padEnd(40)} ${engine.padEnd(13)} ${group.padEnd(34)} ${error.toExponential(2).padStart(9)}  ${tolerance}${verdict}`,
  );
};
const { rows, skipped } = await parity(folder, showRow, engines);
const failed = rows.filter(({ error, tolerance }) => !(error <= tolerance));
if (skipped.length > 0) console.log(`Not covered by a package yet: ${skipped.join(', ')}`);
console.log(`${rows.length - failed.length} of ${rows.length} within tolerance`);
process.exitCode = failed.length === 0 ? 0 : 1;
