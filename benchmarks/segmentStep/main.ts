import { fileURLToPath } from 'node:url';
import { describeMachine } from '@beit/measurements';
import { integer, oneOf } from '../shared/commandLine';
import { measureSteps } from '../shared/measureSteps';
import { CONVOLUTION_PEER_MODES, OUR_ENGINES } from '../shared/ourEngines';
import { publish } from '../shared/publish';
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
import { MODELS, type ModelName, NUM_CLASSES, type Task, writeTask } from './task';

const { own, options, steps, rounds, together, threads, chosen, before, publishing } = stepCommandLine({
  about: `Usage: pnpm bench:segment-step [options]

Seconds per training step of BEiT with a SETR-PUP head on crops of 512x512 with ${NUM_CLASSES} classes, and per window that
evaluation asks for: our engines against PyTorch with transformers' BEiT and mmsegmentation's head, eager and compiled,
fp32 and bf16 autocast, both layouts of its images. The same parameters, batch and optimizer. Every competitor runs in a
process of its own; those of one precision take turns step by step. The first run makes a virtual environment with PyTorch
in your cache (a download of 3 GB).

A quick look: pnpm bench:segment-step --model small --rounds 1 --steps 5`,
  own: {
    model: { help: `${Object.keys(MODELS).join(', ')}; small is for a quick look`, default: 'base' },
    batch: { help: 'crops in a training step', default: '1' },
    windows: { help: 'windows in one call', default: '1' },
    ...PYTHON_OPTION,
    ...AGAINST_OPTION,
  },
  names: [...OUR_ENGINES, ...CONVOLUTION_PEER_MODES].map(({ name }) => name),
  steps: 8,
  rounds: 2,
});
const modelName = oneOf(own.model!, 'model', Object.keys(MODELS) as ModelName[]);
const model = MODELS[modelName];

const measure = (task: Task) =>
  measureSteps({
    ours: fileURLToPath(new URL('./ours.ts', import.meta.url)),
    engines: OUR_ENGINES,
    peer: fileURLToPath(new URL('./peer.py', import.meta.url)),
    peerModes: CONVOLUTION_PEER_MODES,
    task,
    writeTask: (folder) => writeTask(folder, task),
    chosen,
    before,
    threads,
    steps,
    rounds,
    together,
    python: own.python!,
  });
const trainTask: Task = { work: 'train', model, batchSize: integer(own.batch!, 'batch', 1) };
const windowTask: Task = { work: 'windows', model, batchSize: integer(own.windows!, 'windows', 1) };
const training = await measure(trainTask);
const agreement = {
  loss: differences(training.results, 'loss'),
  gradNorm: differences(training.results, 'gradNorm'),
};
const windows = await measure(windowTask);
const faults = [
  ...otherWork('loss', agreement.loss),
  // On onnxruntime rounding is 6e-6 of the norm in the first step, and grows to 1e-3 in the seventh.
  ...otherWork('gradNorm', agreement.gradNorm, { ...TOLERANCE, fp32: 2e-3 }),
  ...otherWork('logitsSum', differences(windows.results, 'logitsSum')),
];

const against = (results: readonly StepResult[]) => {
  const ours = (name: string) => results.find((result) => result.name === name);
  return {
    bf16: timesAsFast(ours('openvino-bf16'), fastestPeer(results)),
    fp32: timesAsFast(ours('openvino-fp32'), fastestPeer(results, 'fp32')),
    onnxruntime: timesAsFast(ours('onnxruntime-fp32'), fastestPeer(results, 'fp32')),
    memory: {
      openvinoBf16: memoryAgainst(results, ours('openvino-bf16')),
      openvinoFp32: memoryAgainst(results, ours('openvino-fp32')),
      onnxruntimeFp32: memoryAgainst(results, ours('onnxruntime-fp32')),
    },
  };
};
const summary = { training: against(training.results), windows: against(windows.results) };
const machine = describeMachine();
const report = {
  command: `pnpm bench:segment-step ${options}`,
  machine,
  threads,
  steps,
  warmUpSteps: WARM_UP_STEPS,
  rounds,
  summary,
  training: { ...trainTask, agreement, ...training },
  windows: { ...windowTask, ...windows },
};
const markdown = [
  `A training step on crops of ${model.imageSize}x${model.imageSize}, batch ${trainTask.batchSize}.`,
  '',
  stepTable(training.results),
  '',
  `Evaluation of windows, batch ${windowTask.batchSize}.`,
  '',
  stepTable(windows.results, ({ seconds }) => ({
    'windows a second': (windowTask.batchSize / seconds.median).toFixed(2),
  })),
  '',
  commandSentence(report.command, machine, threads, training.results),
  stepsSentence(steps, rounds),
  'The classifier of ours comes before the last upsampling, which gives the same logits.',
  absentSentence(training.absent),
  '',
  agreementTable(agreement.loss, agreement.gradNorm),
].join('\n');
await publish('segment-step', report, markdown, { ...publishing, faults });
