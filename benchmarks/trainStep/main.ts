import { fileURLToPath } from 'node:url';
import { describeMachine, type StepSize, stepFlops } from '@beit/measurements';
import { integer, oneOf } from '../shared/commandLine';
import { measureSteps } from '../shared/measureSteps';
import { OUR_ENGINES, PEER_MODES } from '../shared/ourEngines';
import { publish } from '../shared/publish';
import { AGAINST_OPTION, PYTHON_OPTION, stepCommandLine } from '../shared/stepOptions';
import {
  differences,
  fastestPeer,
  memoryAgainst,
  otherWork,
  type StepResult,
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
import { MODELS, type ModelName, type Task, VOCAB_SIZE, writeTask } from './task';

/** Ours once more, but with a last block that computes all tokens, as PyTorch's does. */
const ALL_TOKENS = OUR_ENGINES.filter(({ engine }) => engine === 'openvino').map((one) => ({
  ...one,
  name: `${one.name}-all-tokens`,
  task: { lastBlock: 'all' },
}));
const OURS = [...OUR_ENGINES, ...ALL_TOKENS];
const { own, options, steps, rounds, together, threads, chosen, before, publishing } = stepCommandLine({
  about: `Usage: pnpm bench:train-step [options]

Seconds per step of BEiT's pre-training: our engines against PyTorch, eager and compiled, fp32 and bf16 autocast. The
same parameters, batch and optimizer; forward, backward, clipping, AdamW. Every competitor runs in a process of its own;
those of one precision take turns step by step. The first run makes a virtual environment with PyTorch in your cache (a download of 3 GB).

A quick look: pnpm bench:train-step --model small --rounds 1 --steps 5`,
  own: {
    model: { help: `${Object.keys(MODELS).join(', ')}; small is for a quick look`, default: 'base' },
    batch: { help: 'images in a step', default: '8' },
    ...PYTHON_OPTION,
    ...AGAINST_OPTION,
  },
  names: [...OURS, ...PEER_MODES].map(({ name }) => name),
  steps: 10,
  rounds: 3,
});
const model = oneOf(own.model!, 'model', Object.keys(MODELS) as ModelName[]);
const batchSize = integer(own.batch!, 'batch', 1);

const task: Task = { model: MODELS[model], batchSize, numMasked: 75 };
const measured = await measureSteps({
  ours: fileURLToPath(new URL('./ours.ts', import.meta.url)),
  engines: OURS,
  peer: fileURLToPath(new URL('./peer.py', import.meta.url)),
  peerModes: PEER_MODES,
  task,
  writeTask: (folder) => writeTask(folder, task),
  chosen,
  before,
  threads,
  steps,
  rounds,
  together,
  python: own.python!,
  gemm: true,
});

const { results, gemm } = measured;
const agreement = { loss: differences(results, 'loss'), gradNorm: differences(results, 'gradNorm') };
const faults = Object.entries(agreement).flatMap(([output, all]) => otherWork(output, all));

const named = (name: string) => results.find((result) => result.name === name);
const [bf16, fp32, onnxruntime] = ['openvino-bf16', 'openvino-fp32', 'onnxruntime-fp32'].map(named);
const flops = (lastBlock: StepSize['lastBlock']) =>
  stepFlops(task.model, { ...task, vocabSize: VOCAB_SIZE, lastBlock });
const flopsOf = ({ name, ours }: StepResult) =>
  flops(ours && !ALL_TOKENS.some((one) => one.name === name) ? 'masked' : 'all');
/** Share of the peak rate of matrix products in its precision that a whole step reaches. */
const shareOfPeak = (result: StepResult) => {
  const peak = result.precision === 'tf32' ? undefined : gemm[result.precision];
  return peak && flopsOf(result) / 1e9 / result.seconds.median / peak;
};

const summary = {
  openvinoBf16VsBestPyTorch: timesAsFast(bf16, fastestPeer(results)),
  openvinoFp32VsPyTorchFp32: timesAsFast(fp32, fastestPeer(results, 'fp32')),
  onnxruntimeVsPyTorchFp32: timesAsFast(onnxruntime, fastestPeer(results, 'fp32')),
  /** With the arithmetic of the last block that ours leaves out. */
  openvinoBf16AllTokensVsBestPyTorch: timesAsFast(named('openvino-bf16-all-tokens'), fastestPeer(results)),
  openvinoFp32AllTokensVsPyTorchFp32: timesAsFast(
    named('openvino-fp32-all-tokens'),
    fastestPeer(results, 'fp32'),
  ),
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
  command: `pnpm bench:train-step ${options}`,
  machine,
  threads,
  modelName: model,
  ...task,
  steps,
  warmUpSteps: WARM_UP_STEPS,
  rounds,
  flopsPerStep: { masked: flops('masked'), all: flops('all') },
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
  commandSentence(report.command, machine, threads, results),
  stepsSentence(steps, rounds),
  `A step has ${(flops('all') / 1e9).toFixed(0)} GFLOP in its matrix products. After the last block only the masked patches are used; ours computes no others there, which leaves ${(flops('masked') / 1e9).toFixed(0)} GFLOP, and "all-tokens" does. Large square products reach ${rate('fp32')} GFLOP a second in fp32 and ${rate('bf16')} in bf16.`,
  absentSentence(measured.absent),
  '',
  agreementTable(agreement.loss, agreement.gradNorm),
].join('\n');
await publish('train-step', report, markdown, { ...publishing, faults });
