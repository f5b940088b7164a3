import { writeFile } from 'node:fs/promises';
import { endWithReader } from '@beit/progress';
import { messageOf } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { check } from './check/check';
import { markdown } from './check/markdown';
import { HELP, parseOptions } from './check/options';
import { asPart } from './check/runPart';

/** The program of `beit-engine check`: alone in its file when built, with all that it needs but koffi and plugins. */
async function main(): Promise<void> {
  tf.enableProdMode();
  endWithReader();
  if (await asPart()) return;
  const args = process.argv.slice(2);
  const options = parseOptions(args);
  if (options === undefined) {
    console.log(HELP);
    return;
  }
  const report = await check(options, ['beit-engine check', ...args].join(' '), (text) =>
    console.error(text),
  );
  console.log(markdown(report));
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  process.exitCode = report.failures.length > 0 ? 1 : 0;
}

main().catch((error: unknown) => {
  console.error(messageOf(error));
  process.exitCode = 1;
});
