import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { commandLine, integer, oneOf } from '../shared/commandLine';
import { describeMachine, machineLine } from '../shared/machine';
import { measureSteps } from '../shared/measureSteps';
import { OUR_ENGINES, PEER_MODES } from '../shared/ourEngines';
import { publish } from '../shared/publish';
import {
  assertSameWork,
  differences,
  fastestPeer,
  memoryAgainst,
  type StepResult,
  timesAsFast,
  WARM_UP_STEPS,
} from '../shared/stepRun';
import { absentSentence, agreementTable, stepsSentence, stepTable, versionsOf } from '../shared/stepTable';
import { stepFlops } from './stepFlops';
import { MODELS, type ModelName, type Task, VOCAB_SIZE, writeTask } from './task';

const NAMES = [...OUR_ENGINES, ...PEER_MODES].map(({ name }) => name);
const HELP = `Usage: pnpm bench:train-step [options]

Seconds per step of BEiT's pre-training: our engines against PyTorch, eager and compiled, fp32 and bf16 autocast. The
same parameters, batch and optimizer; forward, backward, clipping, AdamW. Every competitor runs in a process of its own,
one at a time, in rounds. The first run makes a virtual environment with PyTorch in your cache (a download of 3 GB).

  --model NAME     ${Object.keys(MODELS).join(', ')} (default: base; small is for a quick look)
  --batch N        images in a step (default: 8)
  --steps N        steps of a process, the first ${WARM_UP_STEPS} of which are told apart (default: 10)
  --rounds N       default: 3
  --engines A,B    of ${NAMES.join(', ')} (default: all)
  --threads N      of every competitor (default: the number of cores)
  --python NAME    the Python that makes the virtual environment (default: python3)
  --json           one JSON object on stdout; progress goes to stderr
  --write          also put the results into docs/performance.md and docs/performance/
  --help           this text

A quick look: pnpm bench:train-step --model small --rounds 1 --steps 5`;

const values = commandLine(HELP, {
  model: { type: 'string', default: 'base' },
  batch: { type: 'string', default: '8' },
  steps: { type: 'string', default: '10' },
  rounds: { type: 'string', default: '3' },
  engines: { type: 'string', default: NAMES.join(',') },
  threads: { type: 'string', default: String(availableParallelism()) },
  python: { type: 'string', default: 'python3' },
  json: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
});
const model = oneOf(values.model, 'model', Object.keys(MODELS) as ModelName[]);
const batchSize = integer(values.batch, 'batch', 1);
const steps = integer(values.steps, 'steps', WARM_UP_STEPS + 1);
const rounds = integer(values.rounds, 'rounds', 1);
const threads = integer(values.threads, 'threads', 1);
const chosen = values.engines.split(',').map((name) => oneOf(name, 'engines', NAMES));

const task: Task = { model: MODELS[model], batchSize, numMasked: 75 };
const measured = await measureSteps({
  ours: fileURLToPath(new URL('./ours.ts', import.meta.url)),
  peer: fileURLToPath(new URL('./peer.py', import.meta.url)),
  peerModes: PEER_MODES,
  task,
  writeTask: (folder) => writeTask(folder, task),
  chosen,
  threads,
  steps,
  rounds,
  python: values.python,
  gemm: true,
});

const { results, gemm } = measured;
const agreement = { loss: differences(results, 'loss'), gradNorm: differences(results, 'gradNorm') };
for (const [output, all] of Object.entries(agreement)) assertSameWork(output, all);

const named = (name: string) => results.find((result) => result.name === name);
const [bf16, fp32, onnxruntime] = ['openvino-bf16', 'openvino-fp32', 'onnxruntime-fp32'].map(named);
const flops = stepFlops(task.model, { ...task, vocabSize: VOCAB_SIZE });
/** Share of the peak rate of matrix products in its precision that a whole step reaches. */
const shareOfPeak = ({ precision, seconds }: StepResult) =>
  gemm[precision] && flops / 1e9 / seconds.median / gemm[precision];

const summary = {
  openvinoBf16VsBestPyTorch: timesAsFast(bf16, fastestPeer(results)),
  openvinoFp32VsPyTorchFp32: timesAsFast(fp32, fastestPeer(results, 'fp32')),
  onnxruntimeVsPyTorchFp32: timesAsFast(onnxruntime, fastestPeer(results, 'fp32')),
  /** From the fourth step on. */
  onnxruntimeSlowestOverMedian: onnxruntime && onnxruntime.seconds.max / onnxruntime.seconds.median,
  gemmShare: bf16 && shareOfPeak(bf16),
  compileSeconds: bf16?.compileSeconds,
  cachedCompileSeconds: bf16?.cachedCompileSeconds,
  peakMemory: {
    openvinoBf16: memoryAgainst(results, bf16),
    openvinoFp32: memoryAgainst(results, fp32),
    onnxruntimeFp32: memoryAgainst(results, onnxruntime),
  },
};
const machine = describeMachine();
const report = {
  command: `pnpm bench:train-step --model ${model} --batch ${batchSize} --steps ${steps} --rounds ${rounds} --threads ${threads}`,
  machine,
  threads,
  modelName: model,
  ...task,
  steps,
  warmUpSteps: WARM_UP_STEPS,
  rounds,
  flopsPerStep: flops,
  summary,
  agreement,
  ...measured,
};

const rate = (precision: 'fp32' | 'bf16') => gemm[precision]?.toFixed(0) ?? '-';
const markdown = [
  stepTable(results, (result) => ({
    'share of peak': `${(100 * (shareOfPeak(result) ?? Number.NaN)).toFixed(0)} %`,
  })),
  '',
  `\`${report.command}\`; ${machineLine(machine)}, ${threads} threads; ${versionsOf(results)}.`,
  stepsSentence(steps, rounds),
  `A step has ${(flops / 1e9).toFixed(0)} GFLOP in its matrix products; large square ones reach ${rate('fp32')} GFLOP a second in fp32 and ${rate('bf16')} in bf16.`,
  absentSentence(measured.absent),
  '',
  agreementTable(agreement.loss, agreement.gradNorm),
].join('\n');
await publish('train-step', report, markdown, { json: values.json, write: values.write });
