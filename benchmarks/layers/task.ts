import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom } from '@beit/random';
import { type HostTensor, type NamedTensors, sizeOf } from '@beit/tensors';
import { saveSafetensors } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';

const L = tf.layers;
const NUM_CLASSES = 10;
/** Batches that the steps go through, over and over. */
const NUM_BATCHES = 8;
const LEARNING_RATE = 1e-3;
/** TensorFlow.js's Adam, of which `adamW` without decay is one. */
export const ADAM = { betas: [0.9, 0.999], epsilon: 1e-7, weightDecay: 0 } as const;

/** The network of tfjs-examples' `mnist`. */
const mnistLayers = () => [
  L.conv2d({ name: 'conv1', inputShape: [28, 28, 1], kernelSize: 5, filters: 8, activation: 'relu' }),
  L.maxPooling2d({ poolSize: 2, strides: 2 }),
  L.conv2d({ name: 'conv2', kernelSize: 5, filters: 16, activation: 'relu' }),
  L.maxPooling2d({ poolSize: 2, strides: 2 }),
  L.flatten(),
  L.dense({ name: 'classes', units: NUM_CLASSES, activation: 'softmax' }),
];

/** Filters and stride of MobileNet's blocks, at a quarter of its width and less than half of its depth. */
const BLOCKS = [
  [16, 1],
  [32, 2],
  [32, 1],
  [64, 2],
  [64, 1],
  [128, 2],
] as const;
const mobilenetLayers = () => {
  const normalized = (name: string) => [
    L.batchNormalization({ name: `${name}_bn` }),
    L.reLU({ name: `${name}_relu`, maxValue: 6 }),
  ];
  // As Keras has it: TensorFlow and PyTorch would pad even sizes on different sides.
  const strided = (stride: 1 | 2) =>
    stride === 1
      ? []
      : [
          L.zeroPadding2d({
            padding: [
              [0, 1],
              [0, 1],
            ],
          }),
        ];
  const padding = (stride: 1 | 2) => (stride === 1 ? 'same' : 'valid');
  return [
    L.zeroPadding2d({
      inputShape: [64, 64, 3],
      padding: [
        [0, 1],
        [0, 1],
      ],
    }),
    L.conv2d({ name: 'conv', kernelSize: 3, filters: 8, strides: 2, useBias: false }),
    ...normalized('conv'),
    ...BLOCKS.flatMap(([filters, stride], i) => [
      ...strided(stride),
      L.depthwiseConv2d({
        name: `depthwise${i}`,
        kernelSize: 3,
        strides: stride,
        padding: padding(stride),
        useBias: false,
      }),
      ...normalized(`depthwise${i}`),
      L.conv2d({ name: `pointwise${i}`, kernelSize: 1, filters, useBias: false }),
      ...normalized(`pointwise${i}`),
    ]),
    L.globalAveragePooling2d({}),
    L.dense({ name: 'classes', units: NUM_CLASSES, activation: 'softmax' }),
  ];
};

export const MODELS = {
  mnist: { layers: mnistLayers, image: [28, 28, 1] },
  mobilenet: { layers: mobilenetLayers, image: [64, 64, 3] },
} as const;
export type ModelName = keyof typeof MODELS;

export interface Task {
  readonly model: ModelName;
  readonly batchSize: number;
}

/** The model as its user has it, compiled, with weights that are the same in every process. */
export function createModel({ model: name }: Task): tf.LayersModel {
  const model = tf.sequential({ layers: MODELS[name].layers() });
  model.compile({
    optimizer: tf.train.adam(LEARNING_RATE, ...ADAM.betas, ADAM.epsilon),
    loss: 'categoricalCrossentropy',
  });
  for (const weight of model.weights) {
    const random = createRandom('weights', weight.originalName);
    const shape = weight.shape as number[];
    // He's initialization; a depthwise filter sees one channel.
    const inputs = weight.originalName.includes('depthwise')
      ? shape[0]! * shape[1]!
      : sizeOf(shape.slice(0, -1));
    if (!weight.originalName.endsWith('kernel')) continue;
    weight.write(tf.tensor(draw(shape, () => random.normal(0, Math.sqrt(2 / inputs))).data, shape));
  }
  return model;
}

const draw = (shape: readonly number[], next: () => number) => ({
  dtype: 'float32' as const,
  shape,
  data: Float32Array.from({ length: sizeOf(shape) }, next),
});

/** Batches of pictures that can be told apart: a pattern of the class, and noise. */
export function createBatches({ model, batchSize }: Task) {
  const { image } = MODELS[model];
  const random = createRandom('benchmark', 'pictures');
  const patterns = Array.from({ length: NUM_CLASSES }, () => draw(image, () => random.normal()).data);
  return Array.from({ length: NUM_BATCHES }, () => {
    const labels = Int32Array.from({ length: batchSize }, () => random.integer(0, NUM_CLASSES - 1));
    const size = sizeOf(image);
    const images = draw([batchSize, ...image], () => 0.5 * random.normal());
    labels.forEach((label, i) => {
      for (let j = 0; j < size; j++) images.data[i * size + j]! += 0.5 * patterns[label]![j]!;
    });
    const targets = draw([batchSize, NUM_CLASSES], () => 0);
    labels.forEach((label, i) => {
      targets.data[i * NUM_CLASSES + label] = 1;
    });
    return { images, labels, targets };
  });
}

export const batchOf = <B>(batches: readonly B[], step: number): B => batches[step % batches.length]!;
export const learningRate = LEARNING_RATE;

/** The task as files for the peer, under the names and in the layouts of `tf.layers`. */
export async function writeTask(folder: string, task: Task, params: NamedTensors): Promise<void> {
  await mkdir(folder, { recursive: true });
  const batches = createBatches(task);
  const stacked = (tensors: readonly HostTensor[], one: HostTensor): HostTensor => {
    const data =
      one.dtype === 'int32'
        ? new Int32Array(tensors.length * one.data.length)
        : new Float32Array(tensors.length * one.data.length);
    tensors.forEach((tensor, i) => {
      data.set(tensor.data, i * one.data.length);
    });
    return { ...one, shape: [tensors.length, ...one.shape], data };
  };
  const labels = batches.map(
    ({ labels: data }): HostTensor => ({ dtype: 'int32', shape: [data.length], data }),
  );
  const images = batches.map(({ images }) => images);
  await saveSafetensors(join(folder, 'params.safetensors'), params);
  await saveSafetensors(join(folder, 'batch.safetensors'), {
    images: stacked(images, images[0]!),
    labels: stacked(labels, labels[0]!),
  });
  const { betas, epsilon } = ADAM;
  const config = { model: task.model, blocks: BLOCKS, betas, epsilon, learning_rate: LEARNING_RATE };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
}
