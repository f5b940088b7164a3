/** See `HELP`. */
import { fileURLToPath } from 'node:url';
import { absolutePath, option, optionHelp, parseOptionTable, runMain, text, UsageError } from '@beit/cli';
import * as tf from '@tensorflow/tfjs';
import { enginesHere, type ParityRow, parity } from './parity';

const OPTIONS = {
  engine: option('NAME', 'this one alone; openvino-bf16 and xla-bf16 have products in bfloat16', text),
};

const HELP = `Usage: pnpm parity [DIR] [--engine NAME]

Compares what the packages compute with the numbers of the reference implementations: for every fixture file in DIR
(default: the project's own), one line per group of quantities, with the largest error relative to the largest
magnitude, for every engine that is installed, or the one that is named. Exits with 1 when one is above its tolerance.

${optionHelp(OPTIONS)}`;

await runMain(async () => {
  const parsed = parseOptionTable(OPTIONS, process.argv.slice(2), { allowPositionals: true });
  if (parsed === 'help') {
    console.log(HELP);
    return 0;
  }
  const [folder, surplus] = parsed.positionals;
  if (surplus !== undefined) throw new UsageError(`'${surplus}' is too much; expected one folder.`);
  const { engine } = parsed.values;
  const here = await enginesHere();
  const asked = here.filter((name) => name === engine);
  if (engine !== undefined && asked.length === 0)
    throw new UsageError(`There is no engine '${engine}' here. Engines: ${here.join(', ')}.`);

  tf.enableProdMode();
  console.log(
    `${'fixture'.padEnd(40)} ${'engine'.padEnd(13)} ${'quantity'.padEnd(34)} ${'error'.padStart(9)}  allowed`,
  );
  const showRow = ({ file, engine, group, error, tolerance }: ParityRow) => {
    const verdict = error <= tolerance ? '' : '  FAILED';
    console.log(
      `${file.padEnd(40)} ${engine.padEnd(13)} ${group.padEnd(34)} ${error.toExponential(2).padStart(9)}  ${tolerance}${verdict}`,
    );
  };
  const { rows, skipped } = await parity(
    folder === undefined
      ? fileURLToPath(new URL('../../../fixtures', import.meta.url))
      : absolutePath(folder, 'The folder'),
    showRow,
    engine === undefined ? undefined : asked,
  );
  const failed = rows.filter(({ error, tolerance }) => !(error <= tolerance));
  if (skipped.length > 0) console.log(`Not covered by a package yet: ${skipped.join(', ')}`);
  console.log(`${rows.length - failed.length} of ${rows.length} within tolerance`);
  return failed.length === 0 ? 0 : 1;
});
