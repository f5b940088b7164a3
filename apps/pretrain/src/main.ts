import { describeEngine, runMain } from '@beit/apps-shared';
import type { SummaryRow } from '@beit/apps-shared/report';
import { interruptSignal, terminalProgress } from '@beit/trainer';
import * as tf from '@tensorflow/tfjs';
import { dryRun } from './dryRun';
import { HELP, parseOptions } from './options';
import { run } from './run';

function printSummary(rows: readonly SummaryRow[]): void {
  const width = Math.max(...rows.map(({ label }) => label.length));
  for (const { label, value, baseline = '', note = '' } of rows) {
    console.log(`${label.padEnd(width)}  ${value.padStart(11)}  ${baseline.padStart(11)}  ${note}`);
  }
}

async function main(): Promise<number> {
  const options = await parseOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(HELP);
    return 0;
  }
  tf.enableProdMode();
  if (options.dryRun) {
    await dryRun(options);
    return 0;
  }
  const progress = terminalProgress({ quiet: options.quiet });
  const interrupt = interruptSignal();
  progress.message(
    `${options.recipe.about}\nEngine: ${await describeEngine(options.engine)}\nWriting to ${options.out}`,
  );
  const result = await run(options, progress, interrupt.signal);
  interrupt.release();
  if (result.interrupted) {
    console.error(
      `Stopped and saved. Continue with: pnpm --filter pretrain start -- --resume --out ${options.out}`,
    );
    return 130;
  }
  console.log(`\n${'on held-out images'.padEnd(44)}  ${'value'.padStart(11)}  ${'baseline'.padStart(11)}`);
  printSummary(result.summary);
  console.log(`\nThe report: ${result.report}`);
  return 0;
}

await runMain(main);
