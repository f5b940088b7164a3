import { fileURLToPath } from 'node:url';
import { functional } from '@beit/layers';
import { describeMachine, markdownTable } from '@beit/measurements';
import * as tf from '@tensorflow/tfjs';
import { integer, oneOf } from '../shared/commandLine';
import { measureSteps, type OurEngine } from '../shared/measureSteps';
import { CONVOLUTION_PEER_MODES, OUR_ENGINES } from '../shared/ourEngines';
import { publish } from '../shared/publish';
import { PYTHON_OPTION, stepCommandLine } from '../shared/stepOptions';
import { differences, fastestPeer, otherWork, type StepResult, WARM_UP_STEPS } from '../shared/stepRun';
import { absentSentence, commandSentence, stepsSentence } from '../shared/stepTable';
import { createModel, MODELS, type ModelName, type Task, writeTask } from './task';

const FIT: readonly OurEngine[] = [
  { name: 'fit-wasm', engine: 'tfjs', precision: 'fp32', task: { fit: 'wasm' } },
  { name: 'fit-tensorflow', engine: 'tensorflow', precision: 'fp32', task: { fit: 'tensorflow' } },
];
const fp32 = <T extends { readonly precision: string }>(all: readonly T[]) =>
  all.filter(({ precision }) => precision === 'fp32');
const OURS = fp32<OurEngine>(OUR_ENGINES);
const PEERS = fp32(CONVOLUTION_PEER_MODES);

const { own, options, steps, rounds, together, threads, chosen, publishing } = stepCommandLine({
  about: `Usage: pnpm bench:layers [options]

Milliseconds per training step of two models of tf.layers: the CNN of tfjs-examples' mnist, and one like MobileNet.
TensorFlow.js's model.fit on its wasm backend and on TensorFlow, PyTorch eager and compiled, in both layouts of its images,
and ours: the same model, compiled. The same weights, batches and Adam; the losses are compared step by step. Every
competitor runs in a process of its own; they take turns step by step. The first run makes a virtual environment with
PyTorch in your cache (a download of 3 GB).

A quick look: pnpm bench:layers --models mnist --steps 6`,
  own: {
    models: { help: `some of ${Object.keys(MODELS).join(', ')}`, default: Object.keys(MODELS).join() },
    batch: { help: 'images in a step', default: '64' },
    ...PYTHON_OPTION,
  },
  names: [...OURS, ...FIT, ...PEERS].map(({ name }) => name),
  steps: 13,
  rounds: 2,
});
const models = own
  .models!.split(',')
  .map((name) => oneOf(name, 'models', Object.keys(MODELS) as ModelName[]));
const batchSize = integer(own.batch!, 'batch', 1);

const TITLES: Readonly<Record<ModelName, string>> = {
  mnist: "The CNN of tfjs-examples' mnist on pictures of 28x28",
  mobilenet:
    'A network like MobileNet (depthwise convolutions, batch normalization, relu6) on pictures of 64x64',
};
const milliseconds = (seconds: number) => (1000 * seconds).toFixed(1);
const times = (value?: number) => value && `${value.toFixed(2)}x`;
const faster = (result: StepResult, than?: StepResult) => than && than.seconds.median / result.seconds.median;

await tf.setBackend('cpu');
const measured: Record<string, unknown> = {};
const faults: string[] = [];
const parts: string[] = [];
for (const model of models) {
  const task: Task = { model, batchSize };
  const { results, absent } = await measureSteps({
    ours: fileURLToPath(new URL('./ours.ts', import.meta.url)),
    engines: [...OURS, ...FIT],
    peer: fileURLToPath(new URL('./peer.py', import.meta.url)),
    peerModes: PEERS,
    task,
    writeTask: (folder) => writeTask(folder, task, functional(createModel(task)).params),
    chosen,
    threads,
    steps,
    rounds,
    together,
    python: own.python!,
  });
  const agreement = differences(results, 'loss');
  faults.push(...otherWork('loss', agreement).map((fault) => `${model}: ${fault}`));
  const named = (name: string) => results.find((result) => result.name === name);
  const [wasm, tensorflow] = FIT.map(({ name }) => named(name));
  const summary = Object.fromEntries(
    OURS.map(({ name }) => [name, named(name)] as const).map(([name, ours]) => [
      name,
      ours && {
        vsWasm: faster(ours, wasm),
        vsTensorflow: faster(ours, tensorflow),
        vsPyTorch: faster(ours, fastestPeer(results)),
      },
    ]),
  );
  measured[model] = { summary, agreement, results, absent };
  parts.push(
    `${TITLES[model]}, batch ${batchSize}.`,
    '',
    markdownTable(
      results.map((result, i) => ({
        '': result.name,
        'ms a step': milliseconds(result.seconds.median),
        quartiles: [result.seconds.lowerQuartile, result.seconds.upperQuartile]
          .map(milliseconds)
          .join(' to '),
        'times as fast as wasm': times(faster(result, wasm)),
        'as TensorFlow': times(faster(result, tensorflow)),
        'as the fastest PyTorch': times(faster(result, fastestPeer(results))),
        'first loss': result.runs[0]!.outputs.loss![0]!.toFixed(6),
        'last loss': result.runs[0]!.outputs.loss!.at(-1)!.toFixed(6),
        'largest relative difference': agreement[i]?.largest.toExponential(1),
        'compile (s)': result.compileSeconds.toFixed(1),
      })),
    ),
    '',
    absentSentence(absent),
    '',
  );
}

const machine = describeMachine();
const command = `pnpm bench:layers ${options}`;
const report = {
  command,
  machine,
  threads,
  batchSize,
  steps,
  warmUpSteps: WARM_UP_STEPS,
  rounds,
  models: measured,
};
const all = Object.values(measured).flatMap((model) => (model as { results: StepResult[] }).results);
const markdown = [
  ...parts,
  commandSentence(command, machine, threads, all),
  stepsSentence(steps, rounds),
  `Differences of losses are from those of PyTorch. TensorFlow.js ${tf.version.tfjs}; its wasm backend with the kernels that @beit/compile adds, without which it can't train a convolution.`,
].join('\n');
await publish('layers', report, markdown, { ...publishing, faults });
