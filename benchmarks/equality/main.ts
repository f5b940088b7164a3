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
import { OF_DEVICES, OF_PROCESSES, type Training, tokenizerTraining, trainingsWith } from './trainings';

/**
 * Sums in another order differ in the last bits. AdamW divides gradients by their size: one that is 0 but for rounding, as
 * of a bias before a batch normalization, moves its parameter as far as any other. So parameters are compared as one
 * vector.
 */
const TOLERANCE = 1e-4;

const values = publishedCommandLine(
  `Usage: pnpm bench:equality [options]

Whether several processes, or several devices of one process, train what one does: each app for some steps, with the model
of its default recipe, by one and by several, with and without --shard-optimizer. Ends with 1 when the parameters, as one
vector, differ by more than ${TOLERANCE} of its norm, or a loss on the way by more than ${TOLERANCE} of it. Processes need mpirun.

  --processes N,M  of the jobs that are compared with one process; divisors of 12 (default: 2,3,4)
  --devices N,M    instead of processes, devices of one, which XLA makes of the CPU; divisors of 24
  --engine NAME    ${APP_ENGINES.join(', ')} (default: auto, the fastest that is installed)
  --launcher NAME  default: mpirun`,
  {
    processes: { type: 'string', default: '2,3,4' },
    devices: { type: 'string' },
    engine: { type: 'string', default: 'auto' },
    launcher: { type: 'string', default: 'mpirun' },
  },
  'scaling.md or docs/gpu.md',
);
const ofDevices = values.devices !== undefined;
const what = ofDevices ? 'devices' : 'processes';
const counts = integers(values.devices ?? values.processes, what, 2);
const batch = ofDevices ? OF_DEVICES : OF_PROCESSES;
const engine = ofDevices ? 'xla' : oneOf(values.engine, 'engine', APP_ENGINES);
const launcher = ofDevices ? undefined : findLauncher(values.launcher, 'name another launcher');

const folder = await mkdtemp(join(tmpdir(), 'beit-equality-'));

interface Job extends Training {
  /** Processes or devices. */
  readonly count: number;
  readonly sharded: boolean;
}

/** Trains to the end. @returns the folder of the run */
async function train({ app, about, recipe, options, count, sharded }: Job): Promise<string> {
  const out = await mkdtemp(join(folder, `${app}-`));
  await writeFile(`${out}.json`, JSON.stringify(recipe));
  const own = ['--recipe', `${out}.json`, '--out', out, '--engine', engine, '--threads', '1', '--quiet'];
  console.error(`${app}, ${about}: ${what}: ${count}${sharded ? ', sharded' : ''}`);
  const main = [
    ...process.execArgv,
    'src/main.ts',
    ...own,
    ...options,
    ...(sharded ? ['--shard-optimizer'] : []),
  ];
  const [command, args] = launcher
    ? [launcher.command, [...launcher.args, '-n', String(count), process.execPath, ...main]]
    : [process.execPath, [...main, '--device', `cpu:${[...new Array(count).keys()]}`]];
  const child = spawn(command, args, {
    cwd: new URL(`../../apps/${app}`, import.meta.url),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${app} with ${count} ${what} ended with exit code ${code}.`);
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

interface Result extends Difference, Pick<Job, 'app' | 'about' | 'count' | 'sharded'> {}
const results: Result[] = [];

/** @returns the run of one, which the others are compared with */
async function compareAll(training: Training): Promise<string> {
  const { app, about } = training;
  const one = await train({ ...training, count: 1, sharded: false });
  for (const count of counts)
    for (const sharded of [false, true]) {
      const several = await train({ ...training, count, sharded });
      results.push({ app, about, count, sharded, ...(await compare(training, one, several)) });
    }
  return one;
}

try {
  const tokenizer = join(await compareAll(tokenizerTraining(batch)), 'tokenizer.safetensors');
  for (const training of trainingsWith(tokenizer, batch)) await compareAll(training);
} finally {
  await rm(folder, { recursive: true, force: true });
}

const machine = describeMachine();
const command = `pnpm bench:equality --${what} ${counts}${ofDevices ? '' : ` --engine ${engine}`}`;
const rows = results.map(({ app, about, count, sharded, steps, parameters, loss }) => ({
  training: `${app}: ${about}`,
  [what]: count,
  optimizer: sharded ? 'sharded' : 'whole',
  steps,
  'difference of the parameters': parameters.toExponential(1),
  'of a loss': loss.toExponential(1),
}));
const markdown = [
  `Against one ${ofDevices ? 'device' : 'process'}: the norm of the difference of all parameters after the last step, relative to the norm of the parameters, and the largest difference of a loss on the way, relative to it.`,
  '',
  markdownTable(rows),
  '',
  `\`${command}\`; ${machineLine(machine)}${launcher ? `, ${launcher.name}` : ''}.`,
].join('\n');
const faults = results
  .filter(({ parameters, loss }) => !(Math.max(parameters, loss) <= TOLERANCE))
  .map(({ app, about, count }) => `${app}, ${about}: ${count} ${what} differ by more than ${TOLERANCE}.`);
await publish(
  ofDevices ? 'equality-devices' : 'equality',
  { command, machine, launcher: launcher?.name, tolerance: TOLERANCE, results },
  markdown,
  { json: values.json, write: values.write, page: ofDevices ? 'gpu.md' : 'scaling.md', faults },
);
