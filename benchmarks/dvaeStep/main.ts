import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { multiplyAdds } from '@beit/dvae';
import { commandLine, fail, integer, oneOf } from '../shared/commandLine';
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
import { createTask, IMAGE_SIZE, type Task, writeTask } from './task';
import { tokenAgreement } from './tokenAgreement';

/** Convolutions can gain from channels that lie together, which is a switch in PyTorch; ours always do. */
const MODES = PEER_MODES.flatMap((mode) => [mode, { ...mode, name: `${mode.name}-channels-last` }]);
const NAMES = [...OUR_ENGINES, ...MODES].map(({ name }) => name);
const HELP = `Usage: pnpm bench:dvae-step [options]

Seconds per training step of DALL-E's discrete VAE, and per batch of images that its full-size encoder tokenizes: our
engines against PyTorch, eager and compiled, fp32 and bf16 autocast, both layouts of its images. Images of ${IMAGE_SIZE}x${IMAGE_SIZE},
8192 tokens. Every competitor runs in a process of its own, one at a time, in rounds. The first run makes a virtual
environment with PyTorch in your cache (a download of 3 GB).

  --hidden-dim N   width of the trained dVAE, of DALL-E's 256 (default: 128)
  --batch N        images in a training step (default: 4)
  --tokenize N     images in a batch that is tokenized (default: 8)
  --steps N        steps of a process, the first ${WARM_UP_STEPS} of which are told apart (default: 10)
  --rounds N       default: 3
  --engines A,B    of ${NAMES.join(', ')} (default: all)
  --threads N      of every competitor (default: the number of cores)
  --python NAME    the Python that makes the virtual environment (default: python3)
  --json           one JSON object on stdout; progress goes to stderr
  --write          also put the results into docs/performance.md and docs/performance/
  --help           this text`;

const values = commandLine(HELP, {
  'hidden-dim': { type: 'string', default: '128' },
  batch: { type: 'string', default: '4' },
  tokenize: { type: 'string', default: '8' },
  steps: { type: 'string', default: '10' },
  rounds: { type: 'string', default: '3' },
  engines: { type: 'string', default: NAMES.join(',') },
  threads: { type: 'string', default: String(availableParallelism()) },
  python: { type: 'string', default: 'python3' },
  json: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
});
const hiddenDim = integer(values['hidden-dim'], 'hidden-dim', 4);
if (hiddenDim % 4 !== 0) fail(`--hidden-dim is ${hiddenDim}; expected a multiple of 4.`);
const steps = integer(values.steps, 'steps', WARM_UP_STEPS + 1);
const rounds = integer(values.rounds, 'rounds', 1);
const threads = integer(values.threads, 'threads', 1);
const chosen = values.engines.split(',').map((name) => oneOf(name, 'engines', NAMES));

const measure = (task: Task) =>
  measureSteps({
    ours: fileURLToPath(new URL('./ours.ts', import.meta.url)),
    peer: fileURLToPath(new URL('./peer.py', import.meta.url)),
    peerModes: MODES,
    task,
    writeTask: (folder) => writeTask(folder, task),
    chosen,
    threads,
    steps,
    rounds,
    python: values.python,
  });

const trainTask: Task = { work: 'train', hiddenDim, batchSize: integer(values.batch, 'batch', 1) };
const tokenizeTask: Task = {
  work: 'tokenize',
  hiddenDim: 256,
  batchSize: integer(values.tokenize, 'tokenize', 1),
};
const training = await measure(trainTask);
const agreement = {
  loss: differences(training.results, 'loss'),
  gradNorm: differences(training.results, 'gradNorm'),
};
for (const [output, all] of Object.entries(agreement)) assertSameWork(output, all);
const tokenizing = await measure(tokenizeTask);
const sameTokens = tokenAgreement(tokenizing.results);

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
  command: `pnpm bench:dvae-step --hidden-dim ${hiddenDim} --batch ${trainTask.batchSize} --tokenize ${tokenizeTask.batchSize} --steps ${steps} --rounds ${rounds} --threads ${threads}`,
  machine,
  threads,
  steps,
  warmUpSteps: WARM_UP_STEPS,
  rounds,
  summary,
  training: { ...trainTask, gigaflops: gigaflops(trainTask), agreement, ...training },
  tokenizing: { ...tokenizeTask, gigaflops: gigaflops(tokenizeTask), sameTokens, ...tokenizing },
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
  `\`${report.command}\`; ${machineLine(machine)}, ${threads} threads; ${versionsOf(training.results)}.`,
  stepsSentence(steps, rounds),
  absentSentence(training.absent),
  '',
  agreementTable(agreement.loss, agreement.gradNorm),
].join('\n');
await publish('dvae-step', report, markdown, { json: values.json, write: values.write });
