import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  describeMachine,
  findLauncher,
  largestFileDifference,
  machineLine,
  markdownTable,
} from '@beit/apps-shared/measurements';
import { readMetrics } from '@beit/trainer';
import { commandLine, integer, oneOf } from '../shared/commandLine';
import { publish } from '../shared/publish';
import { TRAININGS, type Training } from './trainings';

const ENGINES = ['auto', 'openvino', 'onnxruntime'] as const;
/** Sums in another order differ in the last bits, and AdamW enlarges what small gradients differ in. */
const TOLERANCE = 1e-4;

const values = commandLine(
  `Usage: pnpm bench:equality [options]

Whether several processes train what one does: each app for some steps, with the model of its default recipe, by one
process and by several, with and without --shard-optimizer. Ends with 1 when a parameter differs by more than ${TOLERANCE}
of the largest value of its tensor. Needs mpirun.

  --processes N,M  of the jobs that are compared with one process; divisors of 12 (default: 2,3,4)
  --engine NAME    ${ENGINES.join(', ')} (default: auto, the fastest that is installed)
  --launcher NAME  default: mpirun
  --json           one JSON object on stdout; progress goes to stderr
  --write          also put the results into docs/scaling.md and docs/performance/
  --help           this text`,
  {
    processes: { type: 'string', default: '2,3,4' },
    engine: { type: 'string', default: 'auto' },
    launcher: { type: 'string', default: 'mpirun' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
);
const processes = values.processes.split(',').map((text) => integer(text, 'processes', 2));
const engine = oneOf(values.engine, 'engine', ENGINES);
const launcher = findLauncher(values.launcher, 'name another launcher');

const folder = await mkdtemp(join(tmpdir(), 'beit-equality-'));

interface Job extends Training {
  readonly processes: number;
  readonly sharded: boolean;
}

/** Trains to the end. @returns the folder of the run */
async function train({ app, recipe, options, processes, sharded }: Job): Promise<string> {
  const out = join(folder, [app, processes, ...(sharded ? ['sharded'] : [])].join('-'));
  await writeFile(`${out}.json`, JSON.stringify(recipe));
  const own = ['--recipe', `${out}.json`, '--out', out, '--engine', engine, '--threads', '1', '--quiet'];
  const { command, args } = launcher;
  console.error(
    `${app}: ${processes} ${processes === 1 ? 'process' : 'processes'}${sharded ? ', sharded' : ''}`,
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

/** Losses of all stages by step. */
async function lossesOf(run: string, { stages }: Training) {
  const records = await Promise.all(stages.map((stage) => readMetrics(join(run, stage))));
  return records
    .flat()
    .flatMap(({ kind, step, loss }) => (kind === 'train' ? [{ step, loss: Number(loss) }] : []));
}

/** The largest difference of a parameter, relative to the largest of its tensor, and of a loss, relative to it. */
async function compare(training: Training, one: string, several: string) {
  const parameters = await Promise.all(
    training.models.map((file) => largestFileDifference(join(one, file), join(several, file))),
  );
  const [losses, others] = await Promise.all([one, several].map((run) => lossesOf(run, training)));
  const differences = losses!.map(({ loss }, i) => Math.abs(others![i]!.loss / loss - 1));
  return { parameter: Math.max(...parameters), loss: Math.max(...differences), steps: losses!.at(-1)!.step };
}

const results: {
  readonly app: Training['app'];
  readonly about: string;
  readonly processes: number;
  readonly sharded: boolean;
  readonly steps: number;
  readonly parameter: number;
  readonly loss: number;
}[] = [];
try {
  for (const training of TRAININGS) {
    const { app, about } = training;
    const one = await train({ ...training, processes: 1, sharded: false });
    for (const count of processes)
      for (const sharded of [false, true]) {
        const several = await train({ ...training, processes: count, sharded });
        results.push({ app, about, processes: count, sharded, ...(await compare(training, one, several)) });
      }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

const machine = describeMachine();
const command = `pnpm bench:equality --processes ${processes} --engine ${engine}`;
const rows = results.map(({ app, about, processes, sharded, steps, parameter, loss }) => ({
  training: `${app}: ${about}`,
  processes,
  optimizer: sharded ? 'sharded' : 'whole',
  steps,
  'difference of a parameter': parameter.toExponential(1),
  'of a loss': loss.toExponential(1),
}));
const markdown = [
  'Against one process: the largest difference of a parameter after the last step, relative to the largest of its tensor, and of a loss on the way, relative to it.',
  '',
  markdownTable(rows),
  '',
  `\`${command}\`; ${machineLine(machine)}, ${launcher.name}.`,
].join('\n');
await publish(
  'equality',
  { command, machine, launcher: launcher.name, tolerance: TOLERANCE, results },
  markdown,
  { json: values.json, write: values.write },
  'scaling.md',
);
if (results.some(({ parameter }) => !(parameter <= TOLERANCE))) process.exitCode = 1;
