import { fileURLToPath } from 'node:url';
import { describeMachine, machineLine, markdownTable, median, runNodeJson } from '@beit/measurements';
import { integer, publishedCommandLine } from '../shared/commandLine';
import { publish } from '../shared/publish';
import type { CheckpointArguments, CheckpointTimes } from './ours';
import { STATES } from './states';

/** As often there is a checkpoint at least, unless `--checkpoint-minutes` says otherwise. */
const MINUTES = 10;

const values = publishedCommandLine(
  `Usage: pnpm bench:checkpoint [options]

How long training stands still for a checkpoint: the training loop with steps that compute nothing and the states of
pre-training of two models, AdamW's moments included. Beside it what of that is the checksum, and what the disk takes to
write as many bytes. About a minute, and 5 GB on the disk.

  --checkpoints N  of each state (default: 5)
  --folder DIR     on the disk that is measured (default: the system's temporary folder)`,
  { checkpoints: { type: 'string', default: '5' }, folder: { type: 'string' } },
);
const checkpoints = integer(values.checkpoints, 'checkpoints', 1);

const OURS = fileURLToPath(new URL('./ours.ts', import.meta.url));
const results: CheckpointTimes[] = [];
for (const state of Object.keys(STATES) as (keyof typeof STATES)[]) {
  console.error(`Saving ${STATES[state].about}.`);
  const args: CheckpointArguments = { state, checkpoints, folder: values.folder };
  results.push(await runNodeJson<CheckpointTimes>(OURS, [JSON.stringify(args)]));
}

const seconds = (times: readonly number[]) => {
  const [middle, most] = [median(times), Math.max(...times)];
  return `${middle.toFixed(2)} (${most.toFixed(2)})`;
};
const share = (times: readonly number[]) => `${((100 * median(times)) / (60 * MINUTES)).toFixed(2)} %`;
const machine = describeMachine();
const command = `pnpm bench:checkpoint --checkpoints ${checkpoints}`;
const markdown = [
  markdownTable(
    results.map(({ state, bytes, still, checksum, written }) => ({
      state: STATES[state].about,
      MB: (bytes / 1e6).toFixed(0),
      'stands still, s': seconds(still),
      [`of ${MINUTES} minutes`]: share(still),
      'the checksum of that, s': seconds(checksum),
      'as many bytes written, s': seconds(written),
    })),
  ),
  '',
  `\`${command}\`; ${machineLine(machine)}. Medians of ${checkpoints}, and the longest.`,
].join('\n');
await publish('checkpoint', { command, machine, results }, markdown, {
  json: values.json,
  write: values.write,
});
