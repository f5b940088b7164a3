import { fileURLToPath } from 'node:url';
import { multiplyAdds } from '@beit/dvae';
import { describeMachine } from '@beit/measurements';
import { fail, integer } from '../shared/commandLine';
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
import { createTask, IMAGE_SIZE, type Task, writeTask } from './task';
import { tokenAgreement } from './tokenAgreement';

const { own, options, steps, rounds, together, threads, chosen, before, publishing } = stepCommandLine({
  about: `Usage: pnpm bench:dvae-step [options]

Seconds per training step of DALL-E's discrete VAE, and per batch of images that its full-size encoder tokenizes: our
engines against PyTorch, eager and compiled, fp32 and bf16 autocast, both layouts of its images. Images of ${IMAGE_SIZE}x${IMAGE_SIZE},
8192 tokens. Every competitor runs in a process of its own; those of one precision take turns step by step. The first run
makes a virtual environment with PyTorch in your cache (a download of 3 GB).`,
  own: {
    'hidden-dim': { help: "width of the trained dVAE, of DALL-E's 256", default: '128' },
    batch: { help: 'images in a training step', default: '4' },
    tokenize: { help: 'images in a batch that is tokenized', default: '8' },
    ...PYTHON_OPTION,
    ...AGAINST_OPTION,
  },
  names: [...OUR_ENGINES, ...CONVOLUTION_PEER_MODES].map(({ name }) => name),
  steps: 10,
  rounds: 3,
});
const hiddenDim = integer(own['hidden-dim']!, 'hidden-dim', 4);
if (hiddenDim % 4 !== 0) fail(`--hidden-dim is ${hiddenDim}; expected a multiple of 4.`);

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

const trainTask: Task = { work: 'train', hiddenDim, batchSize: integer(own.batch!, 'batch', 1) };
const tokenizeTask: Task = {
  work: 'tokenize',
  hiddenDim: 256,
  batchSize: integer(own.tokenize!, 'tokenize', 1),
};
const training = await measure(trainTask);
const agreement = {
  loss: differences(training.results, 'loss'),
  gradNorm: differences(training.results, 'gradNorm'),
};
const faults = Object.entries(agreement).flatMap(([output, all]) => otherWork(output, all));
const tokenizing = await measure(tokenizeTask);
const sameTokens = tokenAgreement(tokenizing.results);
/** The report says how many tokens agree, and does not list them. */
const withoutTokens = tokenizing.results.map((result) => ({
  ...result,
  runs: result.runs.map(({ outputs: _, ...run }) => run),
}));

/** In the forward pass of a training step, and a training step is three of these; or of the encoder. */
const gigaflops = ({ work, hiddenDim, batchSize }: Task) => {
  const { dvae } = createTask({ work: 'tokenize', hiddenDim, batchSize: 1 });
  const { encoder, decoder } = multiplyAdds(dvae.config, IMAGE_SIZE);
  return (2 * batchSize * (work === 'train' ? 3 * (encoder + decoder) : encoder)) / 1e9;
};
const against = (results: readonly StepResult[]) => {
  const ours = (name: string) => results.find((result) => result.name === name);
  return {
    bf16: timesAsFast(ours('openvino-bf16'), fastestPeer(results)),
    fp32: timesAsFast(ours('openvino-fp32'), fastestPeer(results, 'fp32')),
    onnxruntime: timesAsFast(ours('onnxruntime-fp32'), fastestPeer(results, 'fp32')),
    memory: memoryAgainst(results, ours('openvino-bf16')),
  };
};
const [train, tokenize] = [against(training.results), against(tokenizing.results)];
const summary = {
  dvaeStepVsPyTorch: train.bf16,
  dvaeStepFp32VsPyTorchFp32: train.fp32,
  dvaeStepOnnxruntimeVsPyTorchFp32: train.onnxruntime,
  dvaeStepPeakMemory: train.memory,
  tokenizeBf16VsPyTorch: tokenize.bf16,
  tokenizeFp32VsPyTorchFp32: tokenize.fp32,
  tokenizeOnnxruntimeVsPyTorchFp32: tokenize.onnxruntime,
  tokenizePeakMemory: tokenize.memory,
};
const machine = describeMachine();
const report = {
  command: `pnpm bench:dvae-step ${options}`,
  machine,
  threads,
  steps,
  warmUpSteps: WARM_UP_STEPS,
  rounds,
  summary,
  training: { ...trainTask, gigaflops: gigaflops(trainTask), agreement, ...training },
  tokenizing: {
    ...tokenizeTask,
    gigaflops: gigaflops(tokenizeTask),
    sameTokens,
    ...tokenizing,
    results: withoutTokens,
  },
};

const markdown = [
  `A training step: width ${hiddenDim}, ${trainTask.batchSize} images, ${gigaflops(trainTask).toFixed(0)} GFLOP.`,
  '',
  stepTable(training.results),
  '',
  `Tokenizing: width ${tokenizeTask.hiddenDim}, ${tokenizeTask.batchSize} images, ${gigaflops(tokenizeTask).toFixed(0)} GFLOP.`,
  '',
  stepTable(tokenizing.results, ({ name }) => ({
    'same tokens': sameTokens && `${(100 * sameTokens[name]!).toFixed(1)} %`,
  })),
  '',
  commandSentence(report.command, machine, threads, training.results),
  stepsSentence(steps, rounds),
  absentSentence(training.absent),
  '',
  agreementTable(agreement.loss, agreement.gradNorm),
].join('\n');
await publish('dvae-step', report, markdown, { ...publishing, faults });
