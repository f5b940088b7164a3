import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describeMachine, machineLine, markdownTable, runNodeJson } from '@beit/measurements';
import { isAbsent } from '../shared/alternate';
import { integer, oneOf, publishedCommandLine } from '../shared/commandLine';
import { OUR_ENGINES } from '../shared/ourEngines';
import { publish } from '../shared/publish';
import { MODELS, type ModelName } from '../trainStep/task';
import { KINDS } from './kinds';
import type { ProfiledStep, ProfileTask } from './ours';

const HELP = `Usage: pnpm bench:profile [options]

Where the time of a pre-training step goes in our engines, by their own profiles. About 3 minutes on 2 cores.

  --model NAME     ${Object.keys(MODELS).join(', ')} (default: base)
  --batch N        images in a step (default: 8)
  --steps N        whose mean is shown (default: 10)
  --threads N      default: ${availableParallelism()}`;

const values = publishedCommandLine(HELP, {
  model: { type: 'string', default: 'base' },
  batch: { type: 'string', default: '8' },
  steps: { type: 'string', default: '10' },
  threads: { type: 'string', default: `${availableParallelism()}` },
});
const model = oneOf(values.model, 'model', Object.keys(MODELS) as ModelName[]);
const batchSize = integer(values.batch, 'batch', 1);
const steps = integer(values.steps, 'steps', 1);
const threads = integer(values.threads, 'threads', 1);

const OURS = fileURLToPath(new URL('./ours.ts', import.meta.url));
const results: (ProfiledStep & { readonly name: string })[] = [];
const absent: Record<string, string> = {};
// XLA's profile is its program, not the time of its kernels.
for (const { name, engine, precision } of OUR_ENGINES.filter((one) => one.engine !== 'xla')) {
  console.error(name);
  const task: ProfileTask = {
    model: MODELS[model],
    batchSize,
    numMasked: 75,
    engine,
    precision,
    threads,
    steps,
  };
  const result = await runNodeJson<ProfiledStep | { absent: string }>(OURS, [JSON.stringify(task)]);
  if (isAbsent(result)) absent[name] = result.absent;
  else results.push({ name, ...result });
}

const cell = (part: number, whole: number) => `${part.toFixed(0)} ms, ${((100 * part) / whole).toFixed(0)} %`;
const inKernels = ({ milliseconds }: ProfiledStep) => Object.values(milliseconds).reduce((a, b) => a + b, 0);
const row = (name: string, part: (result: ProfiledStep) => number) => ({
  '': name,
  ...Object.fromEntries(results.map((result) => [result.name, cell(part(result), result.stepMilliseconds)])),
});
const machine = describeMachine();
const command = `pnpm bench:profile --model ${model} --batch ${batchSize} --steps ${steps} --threads ${threads}`;
const markdown = [
  markdownTable([
    ...KINDS.map((kind) => row(kind, ({ milliseconds }) => milliseconds[kind] ?? 0)),
    row('outside of kernels', (result) => result.stepMilliseconds - inKernels(result)),
    row('step', ({ stepMilliseconds }) => stepMilliseconds),
  ]),
  '',
  `\`${command}\`; ${machineLine(machine)}. Means of ${steps} steps, the first, which touches its memory for the first time, among them; profiling costs time of its own.`,
  ...Object.entries(absent).map(([name, why]) => `Not here: ${name}, ${why}.`),
].join('\n');
await publish(
  'profile',
  { command, machine, threads, model, batchSize, steps, results, absent },
  markdown,
  values,
);
