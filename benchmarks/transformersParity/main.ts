import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pixelValuesToLogits } from '@beit/classification';
import {
  availableEngines,
  type CompileOptions,
  compileForward,
  type EngineName,
  exportOnnx,
} from '@beit/compile';
import { runJson } from '@beit/measurements';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { commandLine, fail, oneOf } from '../shared/commandLine';
import { pythonEnvironment } from '../shared/pythonEnvironment';
import { PYTHON_OPTION } from '../shared/stepOptions';
import { checkpointLogits } from './checkpoints';
import { createTask, FORMS, type Form, type Peer, writeTask } from './task';

const TOLERANCE = 1e-4;
/** Small classifiers from their files to the logits of pictures, on TensorFlow.js. */
const CHECKPOINTS = 'checkpoints';
const CHECKPOINT_TOLERANCE = 1e-5;
const PEER = fileURLToPath(new URL('./peer.py', import.meta.url));
/** The file that `exportOnnx` writes, in onnxruntime. */
const EXPORTED = 'exported';

const values = commandLine(
  `Usage: pnpm parity:transformers [options]

Logits of BEiT-B/16 at 224 pixels with random parameters, on 2 images, as a classifier (1,000 classes, mean pooling) and as
a segmenter with UPerNet (10 classes): every engine that is installed, and the model exported as a .onnx file, against
transformers (eager attention), and timm where it has the form, all in fp32; and small
classifiers that both save, with pictures of other sizes, from the files to the logits (to ${CHECKPOINT_TOLERANCE}). The parameters are handed over as safetensors under the peer's names. One
line per comparison, with the largest error relative to the largest logit; ends with 1 when one is above ${TOLERANCE}. The
first run makes a virtual environment in your cache (a download of 3 GB).

  --newest         the peers' newest releases on PyPI instead of those pinned in shared/requirements.txt
  --forms          separated by commas (default: ${Object.keys(FORMS).join(',')},${CHECKPOINTS})
  --engines        of ours, separated by commas (default: all that are installed, and ${EXPORTED})
  --python         ${PYTHON_OPTION.python.help} (default: ${PYTHON_OPTION.python.default})
  --help           this text`,
  {
    newest: { type: 'boolean', default: false },
    forms: { type: 'string' },
    engines: { type: 'string' },
    python: { type: 'string', default: PYTHON_OPTION.python.default },
  },
);
tf.enableProdMode();
const all = [...(await availableEngines()).toReversed(), EXPORTED] as const;
const engines = values.engines?.split(',').map((name) => oneOf(name, 'engines', all)) ?? all;
const names = Object.keys(FORMS) as Form[];
const choices = [...names, CHECKPOINTS] as const;
const forms = values.forms?.split(',').map((name) => oneOf(name, 'forms', choices)) ?? choices;
const environment = await pythonEnvironment(values.python, { newest: values.newest });
if ('absent' in environment) fail(`The peers can't run: ${environment.absent}.`);
const { python } = environment;

type Task = ReturnType<typeof createTask>;

interface PeerLogits {
  readonly versions: Readonly<Record<string, string>>;
  readonly logits: readonly number[];
}

async function peerLogits(task: Task, peer: Peer): Promise<PeerLogits> {
  const folder = await mkdtemp(join(tmpdir(), 'parity-'));
  try {
    await writeTask(folder, task, peer);
    return await runJson<PeerLogits>(python, [PEER, peer, folder]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function ourLogits(
  { logits: logitsOf, params, images }: Task,
  engine: EngineName,
): Promise<Float32Array> {
  const forward = (params: Record<string, tf.Tensor>, { images }: { images: tf.Tensor }) => ({
    logits: logitsOf(params, images),
  });
  // On `cpu`, TensorFlow.js takes minutes for this model.
  const options: CompileOptions = engine === 'tfjs' ? { engine, backend: 'wasm' } : { engine };
  const program = await compileForward(forward, { params, inputs: { images } }, options);
  const { logits } = await program.run({ images });
  const copy = Float32Array.from(logits.data);
  await program.dispose();
  return copy;
}

async function exportedLogits({ vit, logits, params, images }: Task): Promise<Float32Array> {
  const spec = { dtype: 'float32', shape: ['batch', 3, ...vit.config.imageSize] } as const;
  const model = await exportOnnx(pixelValuesToLogits({ logits }), { params, inputs: { pixel_values: spec } });
  const session = await InferenceSession.create(model);
  const channelsFirst = tf.transpose(tf.tensor(images.data, images.shape), [0, 3, 1, 2]);
  const pixels = new Tensor('float32', (await channelsFirst.data()) as Float32Array, channelsFirst.shape);
  const outputs = await session.run({ pixel_values: pixels });
  await session.release();
  return outputs.logits!.data as Float32Array;
}

/** Largest difference relative to the largest magnitude expected. */
function relativeError(actual: ArrayLike<number>, expected: readonly number[]): number {
  if (actual.length !== expected.length) {
    throw new Error(`${actual.length} logits where the peer has ${expected.length}.`);
  }
  const largest = (numbers: readonly number[]) => numbers.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return largest(expected.map((x, i) => actual[i]! - x)) / largest(expected);
}

const versions: Record<string, string> = { Node: process.versions.node };
let within = true;
for (const form of names.filter((name) => forms.includes(name))) {
  const { peers } = FORMS[form];
  const task = createTask(form);
  const expected = new Map<Peer, readonly number[]>();
  for (const peer of peers) {
    const result = await peerLogits(task, peer);
    Object.assign(versions, result.versions);
    expected.set(peer, result.logits);
  }
  for (const engine of engines) {
    const actual = engine === EXPORTED ? await exportedLogits(task) : await ourLogits(task, engine);
    for (const [peer, logits] of expected) {
      const error = relativeError(actual, logits);
      const fits = error <= TOLERANCE;
      within &&= fits;
      console.log(
        `${form.padEnd(9)} ${engine.padEnd(12)} against ${peer.padEnd(13)} ${error.toExponential(2)}${fits ? '' : `  FAILED: above ${TOLERANCE}`}`,
      );
    }
  }
}
if (forms.includes(CHECKPOINTS)) {
  await tf.setBackend('cpu');
  for (const { checkpoint, picture, actual, expected } of await checkpointLogits(python)) {
    const error = relativeError(actual, expected);
    const fits = error <= CHECKPOINT_TOLERANCE;
    within &&= fits;
    console.log(
      `${checkpoint.padEnd(24)} ${picture.padEnd(12)} ${error.toExponential(2)}${fits ? '' : `  FAILED: above ${CHECKPOINT_TOLERANCE}`}`,
    );
  }
}
console.log(
  Object.entries(versions)
    .map((pair) => pair.join(' '))
    .join(', '),
);
process.exitCode = within ? 0 : 1;
