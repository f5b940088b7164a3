import { runMain, trainCommand } from '@beit/cli';
import * as tf from '@tensorflow/tfjs';
import { dryRun } from './dryRun';
import { HELP, parseOptions } from './options';
import { run } from './run';

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
  return trainCommand({
    ...options,
    about: options.recipe.about,
    measuredOn: 'on held-out images',
    agreement: {
      recipe: options.recipe,
      tokenizer: options.tokenizer,
      shardOptimizer: options.shardOptimizer,
    },
    run: (progress, signal, job) => run(options, progress, job, signal),
  });
}

await runMain(main);
