import { compile } from '@beit/compile';
import { batchNormInference, conv2d, layerNorm, linear, upsampleBilinear2d } from '@beit/nn';
import { adamW, isRunningStatistic, toTensors, trainState, trainStep } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import { createVit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';
import {
  createSegmenter,
  createSetrHead,
  createUperHead,
  inferHead,
  MLA_BLOCKS,
  pixelAccuracy,
  pixelCrossEntropy,
  type Segmenter,
  type SegmenterHead,
} from '../src';
import wideUperNet from './fixtures/wideUperNet.json';

tf.enableProdMode();
beforeAll(() => tf.setBackend('cpu'));

const random = createRandom('segmentation');
const noise = (...shape: number[]) =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    shape,
  );
/** Every number moved: first biases of 0 and statistics of 0 and 1 would prove nothing. */
const moved = (params: NamedTensors) =>
  Object.fromEntries(
    Object.entries(params).map(([name, { data, shape }]) => [
      name,
      tf.tensor(
        data.map((x) => x + 0.1 * Math.abs(random.normal())),
        [...shape],
      ),
    ]),
  );
const numbers = (x: tf.Tensor) => Array.from(x.dataSync());
const toHost = (x: tf.Tensor) =>
  ({ dtype: x.dtype as 'float32', shape: x.shape, data: x.dataSync() as Float32Array }) as const;
const scalar = (x: tf.Tensor) => x.dataSync()[0]!;
const close = (a: tf.Tensor, b: tf.Tensor, places: number) => {
  expect(a.shape).toEqual(b.shape);
  const [x, y] = [numbers(a), numbers(b)];
  x.forEach((value, i) => {
    expect(value).toBeCloseTo(y[i]!, places);
  });
};

/** As fixtures have tensors. */
interface Fixture {
  readonly shape: number[];
  readonly data: number[];
}

const EMBED_DIM = 16;
const CLASSES = 3;
const vit = createVit({ imageSize: 16, patchSize: 4, embedDim: EMBED_DIM, depth: 3, numHeads: 2 });

test('a classifier before the last upsampling gives the logits of one behind it', () => {
  const config = { embedDim: 8, numClasses: CLASSES, channels: 6, numConvs: 2 };
  const head = createSetrHead(config);
  const params = moved(head.init(random));
  const features = noise(2, 3, 5, 8);
  const actual = head.logits(params, [features]);

  // mmsegmentation's order: all upsamplings, then the classifier.
  const p = (name: string) => params[`decode_head.${name}`]!;
  let x: tf.Tensor = layerNorm(features, p('norm.weight'), p('norm.bias'), 1e-6);
  for (const i of [0, 1]) {
    const bn = (name: string) => p(`up_convs.${i}.0.bn.${name}`);
    x = conv2d(x, p(`up_convs.${i}.0.conv.weight`));
    const running = { mean: bn('running_mean'), variance: bn('running_var') };
    x = tf.relu(batchNormInference(x, bn('weight'), bn('bias'), running));
    x = upsampleBilinear2d(x);
  }
  const weight = tf.reshape(p('conv_seg.weight'), [CLASSES, 6]);
  close(actual, linear(x, weight, p('conv_seg.bias')), 4);
});

describe('the loss of pixels', () => {
  const logits = noise(1, 2, 2, CLASSES);
  const labels = tf.tensor3d([0, 2, 255, 1], [1, 2, 2], 'int32');
  const nll = numbers(tf.neg(tf.logSoftmax(logits)));
  const [a, b, d] = [nll[0]!, nll[3 + 2]!, nll[9 + 1]!];

  test('is the mean over labelled pixels', () => {
    expect(scalar(pixelCrossEntropy(logits, labels))).toBeCloseTo((a + b + d) / 3, 5);
  });
  test('or over all pixels, as mmsegmentation has it', () => {
    expect(scalar(pixelCrossEntropy(logits, labels, { average: 'all' }))).toBeCloseTo((a + b + d) / 4, 5);
  });
  test('with class weights is a weighted mean', () => {
    const classWeights = tf.tensor1d([1, 0, 3]);
    expect(scalar(pixelCrossEntropy(logits, labels, { classWeights }))).toBeCloseTo((a + 3 * b) / 4, 5);
  });
  test('and the accuracy of an image without labels are 0', () => {
    const none = tf.fill([1, 2, 2], 255, 'int32');
    expect(scalar(pixelCrossEntropy(logits, none))).toBe(0);
    expect(scalar(pixelAccuracy(logits, none))).toBe(0);
  });
  test('has no gradient where nothing is labelled', () => {
    const gradient = tf.grad((x) => pixelCrossEntropy(x, labels))(logits);
    const ignored = tf.slice(gradient, [0, 1, 0, 0], [1, 1, 1, CLASSES]);
    expect(scalar(tf.max(tf.abs(ignored)))).toBe(0);
  });
  test('refuses labels of another size', () => {
    expect(() => pixelCrossEntropy(logits, tf.zeros([1, 2, 3], 'int32'))).toThrow(
      'The labels: got [1, 2, 3]; expected [1, 2, 2]',
    );
  });
});

/** The trained parameters whose gradient is nowhere larger; the statistics that the loss returns are those that there are. */
function withoutGradient(
  segmenter: Segmenter,
  params: Record<string, tf.Tensor>,
  trained: readonly string[],
  images: tf.Tensor,
  labels: tf.Tensor,
  atMost: number,
): string[] {
  const { loss, ...rest } = segmenter.loss(params, images, labels);
  expect(scalar(loss)).toBeGreaterThan(0);
  expect(Object.keys(rest).filter(isRunningStatistic).sort()).toEqual(
    Object.keys(params).filter(isRunningStatistic).sort(),
  );
  const gradients = tf.grads((...values: tf.Tensor[]) => {
    const own = Object.fromEntries(trained.map((name, i) => [name, values[i]!]));
    return segmenter.loss({ ...params, ...own }, images, labels).loss;
  })(trained.map((name) => params[name]!));
  return trained.filter((_, i) => scalar(tf.max(tf.abs(gradients[i]!))) <= atMost);
}

/** `[2, size, size]`: stripes of all classes. */
const stripes = (size: number) =>
  tf.tensor(
    Int32Array.from({ length: 2 * size * size }, (_, i) => (i % size) % CLASSES),
    [2, size, size],
  );

describe('a segmenter', () => {
  const segmenter = createSegmenter({
    backbone: vit,
    numClasses: CLASSES,
    head: { kind: 'setr-pup', channels: 8, numConvs: 2, auxiliary: [{ block: 1, numConvs: 1, upScale: 4 }] },
  });
  const params = toTensors(segmenter.init(createRandom(1)));
  const images = noise(2, 16, 16, 3);
  // The left half is class 0, the right half class 2; one column counts for nothing.
  const columns = tf.tensor1d([0, 0, 0, 0, 0, 0, 0, 255, 2, 2, 2, 2, 2, 2, 2, 2], 'int32');
  const labels = tf.tile(tf.reshape(columns, [1, 1, 16]), [2, 16, 1]);

  test('has a class for every pixel, and names of mmsegmentation', () => {
    expect(segmenter.logits(params, images).shape).toEqual([2, 16, 16, CLASSES]);
    expect(Object.keys(params)).toEqual(
      expect.arrayContaining([
        'blocks.0.attn.qkv.weight',
        'decode_head.up_convs.1.0.bn.running_var',
        'decode_head.conv_seg.weight',
        'auxiliary_head.0.up_convs.0.0.conv.weight',
      ]),
    );
  });

  test('the loss is that of the main head and 0.4 of the others', () => {
    const { loss, decodeLoss } = segmenter.loss(params, images, labels);
    const alone = createSegmenter({
      backbone: vit,
      numClasses: CLASSES,
      head: { kind: 'setr-pup', channels: 8, numConvs: 2 },
    });
    const main = Object.fromEntries(
      Object.entries(params).filter(([name]) => !name.startsWith('auxiliary_head')),
    );
    const own = alone.loss(main, images, labels);
    expect(scalar(own.loss)).toBe(scalar(own.decodeLoss));
    expect(scalar(decodeLoss)).toBe(scalar(own.loss));
    // With weights near 0 every head begins at ln(classes).
    expect(scalar(loss)).toBeCloseTo(1.4 * Math.log(CLASSES), 1);
  });

  test('learns two images by heart, and its running statistics follow', async () => {
    const optimizer = adamW({ weightDecay: 0 });
    const step = trainStep(
      (p, batch: { images: tf.Tensor; labels: tf.Tensor }) => segmenter.loss(p, batch.images, batch.labels),
      optimizer,
    );
    const state = trainState(segmenter.init(createRandom(1)), optimizer);
    const batch = { images: toHost(images), labels: toHost(labels) };
    const program = await compile(
      step,
      { state, inputs: { batch, scalars: optimizer.scalarSpecs } },
      { engine: 'onnxruntime', numThreads: 1 },
    );
    const losses: number[] = [];
    for (let i = 0; i < 100; i++) {
      const outputs = await program.run({ batch, scalars: optimizer.scalars(i, 5e-3) });
      expect(Object.keys(outputs).filter(isRunningStatistic)).toEqual([]);
      losses.push(outputs.decodeLoss!.data[0]!);
    }
    expect(losses.at(-1)).toBeLessThan(0.1);
    // Evaluation, with running statistics, agrees with training.
    const trained = toTensors((await program.readState()).params);
    expect(scalar(pixelAccuracy(segmenter.logits(trained, images), labels))).toBeGreaterThan(0.95);
    await program.dispose();
  });

  test('refuses blocks that do not exist', () => {
    const wrong = createSegmenter({
      backbone: vit,
      numClasses: 2,
      head: { kind: 'setr-pup', channels: 2, numConvs: 2, auxiliary: [{ block: 3 }] },
    });
    const own = toTensors(wrong.init(createRandom(1)));
    expect(() => wrong.loss(own, images, tf.zeros([2, 16, 16], 'int32'))).toThrow(
      'There is no block 3; the last is 2.',
    );
  });
});

describe.each<SegmenterHead>([
  { kind: 'setr-naive', channels: 4, auxiliary: [{ block: 0 }] },
  { kind: 'setr-mla', blocks: [0, 1, 1, 2], channels: 6, headChannels: 4 },
])('$kind', (head) => {
  const segmenter = createSegmenter({ backbone: vit, numClasses: CLASSES, head });
  const params = moved(segmenter.init(createRandom(2)));
  const images = noise(2, 16, 16, 3);
  const labels = stripes(16);

  test('has a class for every pixel, and is recognized by its names', () => {
    expect(segmenter.logits(params, images).shape).toEqual([2, 16, 16, CLASSES]);
    const { auxiliary: _, ...main } = { auxiliary: undefined, ...head };
    const found = inferHead(params, 12);
    expect(found).toEqual(head.kind === 'setr-mla' ? { ...main, blocks: MLA_BLOCKS[12] } : main);
  });

  test('every parameter of a head has a gradient, those of batch norm have next statistics', () => {
    const trained = Object.keys(segmenter.initHeads(createRandom(2))).filter(
      (name) => !isRunningStatistic(name),
    );
    // Batch norm takes away what a bias adds to a convolution of one pixel.
    const unused = withoutGradient(segmenter, params, trained, images, labels, 1e-6);
    expect(unused).toEqual(trained.filter((name) => /norm(\.\d)?\.bias$/.test(name)));
  });
});

/** The same model of the images' transposes: kernels and positions are transposed. */
function transposedParams(
  params: Record<string, tf.Tensor>,
  [rows, columns]: readonly [number, number],
): Record<string, tf.Tensor> {
  const transposed = (name: string, x: tf.Tensor) => {
    if (x.rank === 4) return tf.transpose(x, [0, 1, 3, 2]);
    if (name !== 'pos_embed') return x;
    const [cls, patches] = tf.split(x, [1, rows * columns], 1) as [tf.Tensor, tf.Tensor];
    const grid = tf.reshape(patches, [rows, columns, -1]);
    return tf.concat([cls, tf.reshape(tf.transpose(grid, [1, 0, 2]), patches.shape)], 1);
  };
  return Object.fromEntries(Object.entries(params).map(([name, x]) => [name, transposed(name, x)]));
}

describe.each<SegmenterHead>([
  { kind: 'setr-pup', channels: 4, numConvs: 2, auxiliary: [{ block: 0, numConvs: 1, upScale: 4 }] },
  { kind: 'setr-naive', channels: 4, auxiliary: [{ block: 0 }] },
  { kind: 'setr-mla', blocks: [0, 1, 1, 2], channels: 6, headChannels: 4 },
  { kind: 'upernet', blocks: [0, 1, 1, 2], channels: 4, auxiliary: [{ block: 1 }] },
])('$kind on images that are no squares', (head) => {
  const GRID = [3, 5] as const;
  const [height, width] = [4 * GRID[0], 4 * GRID[1]];
  const of = (imageSize: readonly [number, number]) =>
    createSegmenter({
      backbone: createVit({ imageSize, patchSize: 4, embedDim: 8, depth: 3, numHeads: 2 }),
      numClasses: CLASSES,
      head,
    });
  const segmenter = of([height, width]);
  const params = moved(segmenter.init(createRandom(2)));
  const images = noise(2, height, width, 3);
  const labels = tf.tensor(
    Int32Array.from({ length: 2 * height * width }, (_, i) => (i * i) % CLASSES),
    [2, height, width],
  );

  test('logits, losses and statistics are those of the transposed model of the transposed images', () => {
    const other = of([width, height]);
    const turned = (x: tf.Tensor) => tf.transpose(x, [0, 2, 1, ...(x.rank === 4 ? [3] : [])]);
    const own = transposedParams(params, GRID);
    const logits = segmenter.logits(params, images);
    expect(logits.shape).toEqual([2, height, width, CLASSES]);
    close(turned(other.logits(own, turned(images))), logits, 4);
    const losses = segmenter.loss(params, images, labels);
    const theirs = other.loss(own, turned(images), turned(labels));
    expect(Object.keys(theirs)).toEqual(Object.keys(losses));
    for (const [name, value] of Object.entries(losses)) close(theirs[name]!, value, 4);
  });

  test('labels of the transposed size are refused', () => {
    expect(() => segmenter.loss(params, images, tf.zeros([2, width, height], 'int32'))).toThrow(
      `and the pixels ${width}x${height}; expected the same multiple both ways`,
    );
  });
});

test('UPerNet on a grid of 3x6 patches is that of transformers, with its gradients', () => {
  const { embedDim, numClasses } = { embedDim: 4, numClasses: CLASSES };
  const head = createUperHead({ embedDim, numClasses });
  const given = (x: Fixture) => tf.tensor(x.data, x.shape);
  const params = Object.fromEntries(Object.entries(wideUperNet.params).map(([name, x]) => [name, given(x)]));
  expect(Object.keys(params).sort()).toEqual(Object.keys(head.init(createRandom(1))).sort());
  const features = wideUperNet.features.map(given);
  const logits = given(wideUperNet.logits);
  close(head.logits(params, features), logits, 4);
  const out = tf.cos(tf.range(0, logits.size)).reshape(logits.shape);
  const gradients = tf.grads((...levels: tf.Tensor[]) => tf.sum(tf.mul(head.logits(params, levels), out)))(
    features,
  );
  gradients.forEach((gradient, i) => {
    close(gradient, given(wideUperNet.gradients[i]!), 3);
  });
});

test('UPerNet of a single row of patches is refused: half of it is nothing', () => {
  const head = createUperHead({ embedDim: 4, numClasses: CLASSES });
  const params = toTensors(head.init(createRandom(1)));
  expect(() =>
    head.logits(
      params,
      [1, 2, 3, 4].map(() => noise(1, 1, 6, 4)),
    ),
  ).toThrow('maxPool2d input is [1,1,6,4]; expected at least 2 pixels along each side');
});

describe('UPerNet', () => {
  const segmenter = createSegmenter({
    backbone: createVit({ imageSize: 12, patchSize: 4, embedDim: 8, depth: 4, numHeads: 2 }),
    numClasses: CLASSES,
    head: { kind: 'upernet', blocks: [0, 1, 2, 3], channels: 4, auxiliary: [{ block: 2 }] },
  });
  const params = moved(segmenter.init(createRandom(2)));
  // An odd grid: the deepest features are 1 by 1, and are brought back to 3.
  const images = noise(2, 12, 12, 3);
  const labels = stripes(12);

  test('has a class for every pixel, and names of mmsegmentation', () => {
    expect(segmenter.logits(params, images).shape).toEqual([2, 12, 12, CLASSES]);
    expect(Object.keys(params).filter((name) => !/^(blocks|pos|cls|mask|patch|norm)/.test(name)).length).toBe(
      3 * 2 + 4 + 5 * (4 + 1 + 3 + 3 + 1) + 2 + 5 + 2,
    );
    expect(Object.keys(params)).toEqual(
      expect.arrayContaining([
        'fpn1.1.running_var',
        'fpn2.0.bias',
        'decode_head.psp_modules.3.1.bn.running_mean',
        'decode_head.bottleneck.conv.weight',
        'auxiliary_head.convs.0.bn.weight',
      ]),
    );
  });

  test('every parameter has a gradient, those of batch norm have next statistics', () => {
    const trained = Object.keys(params).filter((name) => !isRunningStatistic(name) && name !== 'mask_token');
    const { loss, decodeLoss } = segmenter.loss(params, images, labels);
    expect(scalar(loss)).toBeGreaterThan(scalar(decodeLoss));
    // The norm behind the last block is not asked for.
    const unused = withoutGradient(segmenter, params, trained, images, labels, 0);
    expect(unused).toEqual(trained.filter((name) => name.startsWith('norm.')));
  });

  test('refuses more than one auxiliary head', () => {
    const auxiliary = [{ block: 0 }, { block: 1 }];
    expect(() =>
      createSegmenter({
        backbone: vit,
        numClasses: 2,
        head: { kind: 'upernet', blocks: [0, 1, 2, 2], auxiliary },
      }),
    ).toThrow('2 auxiliary heads; expected at most one');
  });
});
