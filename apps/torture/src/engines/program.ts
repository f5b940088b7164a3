/** A process that trains a small network on an engine and says what came of it, as JSON: `program.ts ENGINE`. */
import { createHash } from 'node:crypto';
import { type CompileOptions, compilePrograms } from '@beit/compile';
import { createRandom } from '@beit/random';
import { flattenTensors, type HostTensor, messageOf, type Tree } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';

/** What is told of a run. */
export interface Answer {
  /** The one that `auto` took. */
  readonly engine: string;
  /** Of all numbers that came out, in order. */
  readonly digest: string;
}

const STEPS = 3;

type State = Record<'filter' | 'weight', tf.Tensor>;
type Inputs = Record<'image' | 'label', tf.Tensor>;

/** A convolution, a product, a softmax, an attention-like mixing: what vision transformers are made of, in small. */
function logits({ filter, weight }: State, image: tf.Tensor): tf.Tensor {
  const tokens = tf.conv2d(image as tf.Tensor4D, filter as tf.Tensor4D, 4, 'valid').reshape([4, 4, 8]);
  const mixed = tf.matMul(tf.softmax(tf.matMul(tokens, tokens, false, true)), tokens);
  return tf.matMul(tf.selu(mixed.mean(1)), weight);
}

function learn(state: State, { image, label }: Inputs) {
  const { value, grads } = tf.valueAndGrads((filter: tf.Tensor, weight: tf.Tensor) =>
    tf.losses.softmaxCrossEntropy(label, logits({ filter, weight }, image)).asScalar(),
  )([state.filter, state.weight]);
  const next = (tensor: tf.Tensor, gradient: tf.Tensor | undefined) => tensor.sub(gradient!.mul(0.1));
  const [filter, weight] = [next(state.filter, grads[0]), next(state.weight, grads[1])];
  return { state: { filter, weight }, outputs: { loss: value } };
}

const look = (state: State, { image }: Pick<Inputs, 'image'>) => ({
  state,
  outputs: { probabilities: tf.softmax(logits(state, image)) },
});

const random = createRandom('torture', 'program');
const drawn = (shape: readonly number[]) => ({
  dtype: 'float32' as const,
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()),
});

async function main(): Promise<void> {
  const engine = process.argv[2] as CompileOptions['engine'];
  tf.enableProdMode();
  const image = drawn([4, 8, 8, 3]);
  const label = { dtype: 'float32' as const, shape: [4, 5], data: new Float32Array(20) };
  for (let i = 0; i < 4; i++) label.data[6 * i] = 1;
  const programs = await compilePrograms(
    { learn, look },
    {
      state: { filter: drawn([4, 4, 3, 8]), weight: drawn([8, 5]) },
      inputs: { learn: { image, label }, look: { image } },
    },
    { ...(engine && { engine }), numThreads: 1 },
  );
  const hash = createHash('sha256');
  const add = (tensors: Tree<HostTensor>) => {
    for (const { data } of Object.values(flattenTensors(tensors)))
      hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  };
  for (let step = 0; step < STEPS; step++) {
    add(await programs.run.learn({ image, label }));
    add(await programs.run.look({ image }));
  }
  add(await programs.readState());
  await programs.dispose();
  const answer: Answer = { engine: programs.engine, digest: hash.digest('hex') };
  console.log(JSON.stringify(answer));
}

try {
  await main();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
