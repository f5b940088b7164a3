import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  describeMachine,
  findLauncher,
  machineLine,
  markdownTable,
  normOfFileDifference,
} from '@beit/measurements';
import { readMetrics } from '@beit/trainer';
import { integers, oneOf, publishedCommandLine } from '../shared/commandLine';
import { APP_ENGINES } from '../shared/ourEngines';
import { publish } from '../shared/publish';
import { TOKENIZER, type Training, trainingsWith } from './trainings';

/**
 * Sums in another order differ in the last bits. AdamW divides gradients by their size: one that is 0 but for rounding, as
 * of a bias before a batch normalization, moves its parameter as far as any other. So parameters are compared as one
 * vector.
 */
const TOLERANCE = 1e-4;

const values = publishedCommandLine(
  `Usage: pnpm bench:equality [options]

Whether several processes train what one does: each app for some steps, with the model of its default recipe, by one
process and by several, with and without --shard-optimizer. Ends with 1 when the parameters, as one vector, differ by more
than ${TOLERANCE} of its norm, or a loss on the way by more than ${TOLERANCE} of it. Needs mpirun.

  --processes N,M  of the jobs that are compared with one process; divisors of 12 (default: 2,3,4)
  --engine NAME    ${APP_ENGINES.join(', ')} (default: auto, the fastest that is installed)
  --launcher NAME  default: mpirun`,
  {
    processes: { type: 'string', default: '2,3,4' },
    engine: { type: 'string', default: 'auto' },
    launcher: { type: 'string', default: 'mpirun' },
  },
  'scaling.md',
);
const processes = integers(values.processes, 'processes', 2);
const engine = oneOf(values.engine, 'engine', APP_ENGINES);
const launcher = findLauncher(values.launcher, 'name another launcher');

const folder = await mkdtemp(join(tmpdir(), 'beit-equality-'));

interface Job extends Training {
  readonly processes: number;
  readonly sharded: boolean;
}

/** Trains to the end. @returns the folder of the run */
async function train({ app, about, recipe, options, processes, sharded }: Job): Promise<string> {
  const out = await mkdtemp(join(folder, `${app}-`));
  await writeFile(`${out}.json`, JSON.stringify(recipe));
  const own = ['--recipe', `${out}.json`, '--out', out, '--engine', engine, '--threads', '1', '--quiet'];
  const { command, args } = launcher;
  console.error(
    `${app}, ${about}: ${processes} ${processes === 1 ? 'process' : 'processes'}${sharded ? ', sharded' : ''}`,
  );
  const child = spawn(
    command,
    [
      ...[...args, '-n', String(processes), process.execPath, ...process.execArgv, 'src/main.ts'],
      ...[...own, ...options, ...(sharded ? ['--shard-optimizer'] : [])],
    ],
    { cwd: new URL(`../../apps/${app}`, import.meta.url), stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${app} with ${processes} processes ended with exit code ${code}.`);
  return out;
}

async function lossesOf(run: string, { folder }: Training) {
  const records = await readMetrics(join(run, folder));
  return records
    .filter(({ kind }) => kind === 'train')
    .map(({ step, loss }) => ({ step, loss: Number(loss) }));
}

interface Difference {
  readonly steps: number;
  /** The largest, relative to the loss. */
  readonly loss: number;
  /** The difference of all parameters of a model as one vector, relative to it; the largest of the models. */
  readonly parameters: number;
}

async function compare(training: Training, one: string, several: string): Promise<Difference> {
  const parameters = await Promise.all(
    training.models.map((file) => normOfFileDifference(join(one, file), join(several, file))),
  );
  const [losses, others] = [await lossesOf(one, training), await lossesOf(several, training)];
  if (losses.length === 0 || losses.length !== others.length)
    throw new Error(`${several} has ${others.length} losses; ${one} has ${losses.length}.`);
  const differences = losses.map(({ loss }, i) => Math.abs(others[i]!.loss / loss - 1));
  return {
    steps: losses.at(-1)!.step,
    loss: Math.max(...differences),
    parameters: Math.max(...parameters),
  };
}

interface Result extends Difference, Pick<Job, 'app' | 'about' | 'processes' | 'sharded'> {}
const results: Result[] = [];

/** @returns the run of one process, which the others are compared with */
async function compareAll(training: Training): Promise<string> {
  const { app, about } = training;
  const one = await train({ ...training, processes: 1, sharded: false });
  for (const count of processes)
    for (const sharded of [false, true]) {
      const several = await train({ ...training, processes: count, sharded });
      results.push({ app, about, processes: count, sharded, ...(await compare(training, one, several)) });
    }
  return one;
}

try {
  const tokenizer = join(await compareAll(TOKENIZER), 'tokenizer.safetensors');
  for (const training of trainingsWith(tokenizer)) await compareAll(training);
} finally {
  await rm(folder, { recursive: true, force: true });
}

const machine = describeMachine();
const command = `pnpm bench:equality --processes ${processes} --engine ${engine}`;
const rows = results.map(({ app, about, processes, sharded, steps, parameters, loss }) => ({
  training: `${app}: ${about}`,
  processes,
  optimizer: sharded ? 'sharded' : 'whole',
  steps,
  'difference of the parameters': parameters.toExponential(1),
  'of a loss': loss.toExponential(1),
}));
const markdown = [
  'Against one process: the norm of the difference of all parameters after the last step, relative to the norm of the parameters, and the largest difference of a loss on the way, relative to it.',
  '',
  markdownTable(rows),
  '',
  `\`${command}\`; ${machineLine(machine)}, ${launcher.name}.`,
].join('\n');
const faults = results
  .filter(({ parameters, loss }) => !(Math.max(parameters, loss) <= TOLERANCE))
  .map(
    ({ app, about, processes }) =>
      `${app}, ${about}: ${processes} processes differ by more than ${TOLERANCE}.`,
  );
await publish(
  'equality',
  { command, machine, launcher: launcher.name, tolerance: TOLERANCE, results },
  markdown,
  { json: values.json, write: values.write, page: 'scaling.md', faults },
);
