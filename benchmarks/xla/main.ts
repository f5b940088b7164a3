import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeMachine, runJson, runNodeJson, type StepSize, stepFlops } from '@beit/measurements';
import { isAbsent } from '../shared/alternate';
import { integer, oneOf } from '../shared/commandLine';
import { measureSteps, type OurEngine, SHARED } from '../shared/measureSteps';
import { OUR_ENGINES } from '../shared/ourEngines';
import { publish } from '../shared/publish';
import { pythonEnvironment } from '../shared/pythonEnvironment';
import { AGAINST_OPTION, PYTHON_OPTION, stepCommandLine } from '../shared/stepOptions';
import {
  differences,
  fastestPeer,
  memoryAgainst,
  otherWork,
  type StepResult,
  TOLERANCE,
  timesAsFast,
  WARM_UP_STEPS,
} from '../shared/stepRun';
import {
  absentSentence,
  agreementTable,
  commandSentence,
  stepsSentence,
  stepTable,
} from '../shared/stepTable';
import { MODELS, type ModelName, type Task, VOCAB_SIZE } from '../trainStep/task';
import type { HloTask } from './hlo';
import { type HloCounts, hloCounts } from './hloCounts';
import { hloTable } from './hloTable';
import { writeTask } from './task';

const XLA = (['bf16', 'fp32'] as const).map(
  (precision): OurEngine => ({
    name: `xla-${precision}`,
    engine: 'xla',
    precision,
  }),
);
/** The fastest of ours on CPUs, for comparison. */
const OURS: readonly OurEngine[] = [...XLA, ...OUR_ENGINES.filter(({ engine }) => engine === 'openvino')];
const JAX = [
  { name: 'jax-bf16', precision: 'bf16' },
  { name: 'jax-bf16-to-fp32', precision: 'bf16' },
  { name: 'jax-fp32', precision: 'fp32' },
] as const;
const LAST_BLOCKS = ['masked', 'all'] as const satisfies StepSize['lastBlock'][];

const { own, options, steps, rounds, together, threads, chosen, before, publishing } = stepCommandLine({
  about: `Usage: pnpm bench:xla [options]

Seconds per step of BEiT's pre-training on XLA's CPU backend: our engine xla against JAX, fp32 and bf16, and what XLA
makes of both programs. The same parameters, batch and optimizer; forward, backward, clipping, AdamW; the last block of
the masked patches alone. Every competitor runs in a process of its own; those of one precision take turns step by step.
The first run makes a virtual environment with JAX in your cache (a download of 150 MB).

A quick look: pnpm bench:xla --model small --rounds 1 --steps 5`,
  own: {
    model: { help: `${Object.keys(MODELS).join(', ')}; small is for a quick look`, default: 'base' },
    batch: { help: 'images in a step', default: '8' },
    'last-block': { help: 'tokens that it computes: masked, or all', default: 'masked' },
    ...PYTHON_OPTION,
    ...AGAINST_OPTION,
  },
  names: [...OURS, ...JAX].map(({ name }) => name),
  steps: 10,
  rounds: 3,
});
const model = oneOf(own.model!, 'model', Object.keys(MODELS) as ModelName[]);
const batchSize = integer(own.batch!, 'batch', 1);
const lastBlock = oneOf(own['last-block']!, 'last-block', LAST_BLOCKS);

const task: Task = { model: MODELS[model], batchSize, numMasked: 75, lastBlock };
const requirements = fileURLToPath(new URL('./requirements.txt', import.meta.url));
const peer = fileURLToPath(new URL('./peer.py', import.meta.url));
const measured = await measureSteps({
  ours: fileURLToPath(new URL('../trainStep/ours.ts', import.meta.url)),
  engines: OURS,
  peer,
  peerModes: JAX,
  task,
  writeTask: (folder) => writeTask(folder, task),
  chosen,
  before,
  threads,
  steps,
  rounds,
  together,
  python: own.python!,
  requirements,
  gemm: true,
});
const { results, gemm } = measured;
const programs = await optimizedPrograms(results.map(({ name }) => name));

const agreement = { loss: differences(results, 'loss'), gradNorm: differences(results, 'gradNorm') };
const faults = Object.entries(agreement).flatMap(([output, all]) => otherWork(output, all, TOLERANCE, 'JAX'));
const flops = stepFlops(task.model, { ...task, lastBlock, vocabSize: VOCAB_SIZE });
/** Share of the peak rate of matrix products in its precision that a whole step reaches. */
const shareOfPeak = ({ precision, seconds }: StepResult) => {
  const peak = precision === 'tf32' ? undefined : gemm[precision];
  return peak && flops / 1e9 / seconds.median / peak;
};
const named = (name: string) => results.find((result) => result.name === name);
const [bf16, fp32] = ['xla-bf16', 'xla-fp32'].map(named);

const machine = describeMachine();
const report = {
  command: `pnpm bench:xla ${options}`,
  machine,
  threads,
  modelName: model,
  ...task,
  steps,
  warmUpSteps: WARM_UP_STEPS,
  rounds,
  flopsPerStep: flops,
  summary: {
    xlaFp32VsJaxFp32: timesAsFast(fp32, fastestPeer(results, 'fp32')),
    xlaBf16VsJaxBf16: timesAsFast(bf16, fastestPeer(results, 'bf16')),
    xlaBf16VsBestJax: timesAsFast(bf16, fastestPeer(results)),
    compileSeconds: { xlaBf16: bf16?.compileSeconds, xlaFp32: fp32?.compileSeconds },
    peakMemory: { xlaBf16: memoryAgainst(results, bf16), xlaFp32: memoryAgainst(results, fp32) },
  },
  agreement,
  programs,
  ...measured,
};

const rate = (precision: 'fp32' | 'bf16') => gemm[precision]?.toFixed(0) ?? '-';
const markdown = [
  stepTable(
    results,
    (result) => ({ 'share of peak': `${(100 * (shareOfPeak(result) ?? Number.NaN)).toFixed(0)} %` }),
    'JAX',
  ),
  '',
  commandSentence(report.command, machine, threads, results),
  stepsSentence(steps, rounds),
  `A step has ${(flops / 1e9).toFixed(0)} GFLOP in its matrix products. Large square products reach ${rate('fp32')} GFLOP a second in fp32 and ${rate('bf16')} in bf16, in the fastest of our engines.`,
  absentSentence(measured.absent),
  '',
  hloTable(programs),
  '',
  agreementTable(agreement.loss, agreement.gradNorm),
].join('\n');
await publish('xla', report, markdown, { ...publishing, faults });

/** What XLA makes of those that compile to HLO; apart from the timed runs, as it takes time and memory to write. */
async function optimizedPrograms(names: readonly string[]): Promise<Record<string, HloCounts>> {
  const folder = await mkdtemp(join(tmpdir(), 'beit-hlo-'));
  const programs: Record<string, HloCounts> = {};
  try {
    for (const { name, engine, precision } of XLA.filter(({ name }) => names.includes(name))) {
      const hloTask: HloTask = { ...task, engine, precision, threads, prefix: join(folder, name) };
      const script = fileURLToPath(new URL('./hlo.ts', import.meta.url));
      const file = await runNodeJson<string>(script, [JSON.stringify(hloTask)]);
      programs[name] = hloCounts(await readFile(file, 'utf8'));
    }
    const environment = await pythonEnvironment(own.python!, { requirements });
    if (isAbsent(environment)) return programs;
    const inputs = join(folder, 'task');
    await writeTask(inputs, task);
    for (const { name } of JAX.filter(({ name }) => names.includes(name))) {
      const file = join(folder, `${name}.txt`);
      const given = { mode: name, threads: String(threads), steps: '0', inputs, 'dump-hlo': file };
      const args = Object.entries(given).flatMap(([option, value]) => [`--${option}`, value]);
      await runJson(environment.python, [peer, ...args], { PYTHONPATH: SHARED });
      programs[name] = hloCounts(await readFile(file, 'utf8'));
    }
    return programs;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
