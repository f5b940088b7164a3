import type { HostTensor, NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { exportOnnx } from '../src';
import { type Case, expectSame } from './expectSame';
import { f32, i32, numbers, readTensor, tensorOf } from './hostTensors';
import { runOnnx } from './runOnnx';
import { namedDifference, within } from './tensorDifference';

tf.enableProdMode();

const { constantFrom, integer, record, tuple } = fc;
const upTo = (max: number) => integer({ min: 1, max });
const sides = (max: number) => tuple(upTo(max), upTo(max));
const sides3 = (max: number) => tuple(upTo(max), upTo(max), upTo(max));
type Pad = 'same' | 'valid' | number | readonly [number, number, number, number];
const pads: fc.Arbitrary<Pad> = fc.oneof(
  constantFrom('same' as const, 'valid' as const, 0, 1, 2),
  tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.nat(3)),
);
type Rounding = 'floor' | 'ceil' | 'round';
/** TensorFlow.js rounds only where pads are numbers. */
const roundingOf = (pad: Pad, mode: Rounding | undefined) => (typeof pad === 'string' ? undefined : mode);
const rounding = constantFrom(undefined, 'floor' as const, 'ceil' as const, 'round' as const);

function padding(pad: Pad, format: 'NHWC' | 'NCHW' = 'NHWC') {
  if (typeof pad !== 'object') return pad;
  const none = [0, 0];
  const space = [pad.slice(0, 2), pad.slice(2)];
  const all = format === 'NHWC' ? [none, ...space, none] : [none, none, ...space];
  return all as unknown as tf.backend_util.ExplicitPadding;
}

const CLOSE = { tolerance: { ofLargest: 2e-5 } } as const;
/** Of sums of products that may cancel out. */
const SUM_TOLERANCE = 2e-4;

/** The same geometries each time. */
const property = <G>(name: string, geometry: fc.Arbitrary<G>, caseOf: (g: G) => Case | undefined) =>
  test(name, () =>
    fc.assert(
      fc.asyncProperty(geometry, async (g) => {
        const drawn = caseOf(g);
        fc.pre(drawn !== undefined);
        await expectSame(drawn);
      }),
      { numRuns: 8, seed: 4 },
    ),
  );

type Tensors = Record<string, tf.Tensor>;
const weighted = (y: tf.Tensor) =>
  y.mul(tf.range(0, y.size).mul(0.7).cos().reshape(y.shape)).sum().asScalar();
/** Halves, of which some are equal. */
const halves = (shape: readonly number[], seed: number) =>
  f32(
    numbers(shape, seed).data.map((x) => Math.round(2 * x) / 2),
    shape,
  );

type Linear = (...operands: tf.Tensor[]) => tf.Tensor;
/**
 * A function that is linear in each operand: its gradient by one, times another in its place, is the function of that
 * one. It says whether a gradient is right without eager TensorFlow.js, whose own are not all.
 */
function linear(f: Linear, operands: readonly HostTensor[], gradientsOfEager: boolean): Case {
  const inputs = Object.fromEntries(
    operands.flatMap((x, i) => [
      [`x${i}`, x],
      [`v${i}`, numbers(x.shape, 9 + i)],
    ]),
  );
  const xs = (given: Tensors) => operands.map((_, i) => given[`x${i}`]!);
  const gradients = (given: Tensors) => tf.grads((...x) => weighted(f(...x)))(xs(given));
  const named = (prefix: string, list: readonly tf.Tensor[]) =>
    Object.fromEntries(list.map((x, i) => [`${prefix}${i}`, x]));
  return {
    inputs,
    op: (given) => ({
      y: f(...xs(given)),
      ...(gradientsOfEager ? named('gradient', gradients(given)) : {}),
    }),
    own: (given) => {
      const others = operands.map((_, i) => given[`v${i}`]!);
      const put = (i: number) => xs(given).map((x, j) => (j === i ? others[i]! : x));
      return {
        ...named(
          'value',
          others.map((_, i) => weighted(f(...put(i)))),
        ),
        ...named(
          'product',
          gradients(given).map((gradient, i) => gradient.mul(others[i]!).sum()),
        ),
      };
    },
    wrong: (own) => {
      const pairs = operands.map((_, i) =>
        ['value', 'product'].map((name) => own[`${name}${i}`]!.data[0] as number),
      );
      const equal = pairs.every(([a, b]) => Math.abs(a! - b!) < SUM_TOLERANCE * (1 + Math.abs(a!)));
      return equal ? undefined : `values and products of gradients are ${JSON.stringify(pairs)}`;
    },
    ...CLOSE,
  };
}

/** All outputs and gradients as in eager TensorFlow.js. */
const asEager = (f: Linear, operands: readonly HostTensor[], gradients = true): Case => ({
  inputs: Object.fromEntries(operands.map((x, i) => [`x${i}`, x])),
  op: (given) => {
    const xs = operands.map((_, i) => given[`x${i}`]!);
    if (!gradients) return { y: f(...xs) };
    const list = tf.grads((...x) => weighted(f(...x)))(xs);
    return { y: f(...xs), ...Object.fromEntries(list.map((x, i) => [`gradient${i}`, x])) };
  },
  ...CLOSE,
});

describe('convolutions, and their gradients', () => {
  const geometry = record({
    batch: upTo(2),
    size: sides(8),
    inputs: upTo(3),
    outputs: upTo(3),
    kernel: sides(4),
    steps: sides(3),
    dilated: fc.boolean(),
    pad: pads,
    mode: rounding,
  });
  const moves = ({ steps, dilated }: { steps: [number, number]; dilated: boolean }) =>
    dilated ? { strides: [1, 1], dilations: steps } : { strides: steps, dilations: [1, 1] };
  type Pair = [number, number];

  const convolution =
    (format: 'NHWC' | 'NCHW') => (g: typeof geometry extends fc.Arbitrary<infer G> ? G : never) => {
      const { strides, dilations } = moves(g);
      const pad = padding(g.pad, format) as 'same';
      const mode = roundingOf(g.pad, g.mode);
      const shape = format === 'NHWC' ? [g.batch, ...g.size, g.inputs] : [g.batch, g.inputs, ...g.size];
      const filter = [...g.kernel, g.inputs, g.outputs];
      const counts = (rounded: Rounding | undefined) => {
        const info = tf.backend_util.computeConv2DInfo(
          shape as [number, number, number, number],
          filter as [number, number, number, number],
          strides as Pair,
          dilations as Pair,
          pad,
          rounded,
          false,
          format === 'NHWC' ? 'channelsLast' : 'channelsFirst',
        );
        return [info.outHeight, info.outWidth];
      };
      if (counts(mode).some((count) => count < 1)) return undefined;
      const f: Linear = (x, w) =>
        tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides as Pair, pad, format, dilations as Pair, mode);
      const operands = [numbers(shape, 1), numbers(filter, 2)];
      // TensorFlow.js has no gradients of dilated ones, and its gradients do not know of the rounding.
      if (g.dilated && g.steps.some((step) => step > 1)) return asEager(f, operands, false);
      return linear(f, operands, String(counts(mode)) === String(counts(undefined)));
    };
  property('channels last', geometry, convolution('NHWC'));
  property('channels first', geometry, convolution('NCHW'));

  property('depthwise', geometry, (g) => {
    const { strides, dilations } = moves(g);
    const pad = padding(g.pad) as 'same';
    const mode = roundingOf(g.pad, g.mode);
    const shape = [g.batch, ...g.size, g.inputs];
    const filter = [...g.kernel, g.inputs, g.outputs];
    const f: Linear = (x, w) =>
      tf.depthwiseConv2d(
        x as tf.Tensor4D,
        w as tf.Tensor4D,
        strides as Pair,
        pad,
        'NHWC',
        dilations as Pair,
        mode,
      );
    const info = tf.backend_util.computeConv2DInfo(
      shape as [number, number, number, number],
      filter as [number, number, number, number],
      strides as Pair,
      dilations as Pair,
      pad,
      mode,
      true,
    );
    if (info.outHeight < 1 || info.outWidth < 1) return undefined;
    const operands = [numbers(shape, 1), numbers(filter, 2)];
    if (g.dilated && g.steps.some((step) => step > 1)) return asEager(f, operands, false);
    return linear(f, operands, true);
  });

  property(
    'transposed',
    record({
      batch: upTo(2),
      size: sides(6),
      inputs: upTo(2),
      outputs: upTo(3),
      kernel: sides(4),
      strides: sides(3),
      pad: constantFrom('same' as const, 'valid' as const),
    }),
    ({ batch, size, inputs, outputs, kernel, strides, pad }) => {
      const large = size.map((n, i) =>
        pad === 'same' ? n * strides[i]! : (n - 1) * strides[i]! + kernel[i]!,
      );
      const shape = [batch, ...large, outputs] as [number, number, number, number];
      return linear(
        (x, w) => tf.conv2dTranspose(x as tf.Tensor4D, w as tf.Tensor4D, shape, strides, pad),
        [numbers([batch, ...size, inputs], 1), numbers([...kernel, outputs, inputs], 2)],
        true,
      );
    },
  );

  property(
    'over three axes',
    record({
      batch: upTo(2),
      size: sides3(5),
      inputs: upTo(2),
      outputs: upTo(2),
      kernel: sides3(3),
      strides: sides3(2),
      pad: constantFrom('same' as const, 'valid' as const),
    }),
    ({ batch, size, inputs, outputs, kernel, strides, pad }) => {
      if (pad === 'valid' && size.some((n, i) => n < kernel[i]!)) return undefined;
      return linear(
        (x, w) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, strides, pad),
        [numbers([batch, ...size, inputs], 1), numbers([...kernel, inputs, outputs], 2)],
        true,
      );
    },
  );

  test('transposed into less than there is', () =>
    expectSame(
      asEager(
        (x, w) => tf.conv2dTranspose(x as tf.Tensor4D, w as tf.Tensor4D, [1, 3, 2, 2], 1, 'same'),
        [numbers([1, 5, 6, 3], 1), numbers([4, 4, 2, 3], 2)],
        false,
      ),
    ));

  test('dilated over three axes', () =>
    expectSame(
      asEager(
        (x, w) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 1, 'valid', 'NDHWC', [2, 1, 2]),
        [numbers([2, 5, 4, 5, 2], 1), numbers([3, 2, 2, 2, 3], 2)],
        false,
      ),
    ));

  test('transposed over three axes; separable; of one axis', () =>
    expectSame(
      asEager(
        (x, w, point) =>
          tf
            .conv3dTranspose(
              x.reshape([1, 2, 2, 2, 4]) as tf.Tensor5D,
              w.reshape([2, 1, 2, 3, 4]) as tf.Tensor5D,
              [1, 4, 2, 4, 3],
              [2, 1, 2],
              'same',
            )
            .flatten()
            .concat(
              tf
                .separableConv2d(
                  x.reshape([1, 4, 4, 2]) as tf.Tensor4D,
                  w.reshape([2, 2, 2, 6]) as tf.Tensor4D,
                  point as tf.Tensor4D,
                  1,
                  'same',
                )
                .flatten(),
            )
            .concat(
              tf
                .conv1d(x.reshape([1, 8, 4]) as tf.Tensor3D, w.reshape([3, 4, 4]) as tf.Tensor3D, 2, 'same')
                .flatten(),
            ),
        [numbers([32], 1), numbers([48], 2), numbers([1, 1, 12, 2], 3)],
        false,
      ),
    ));

  test.each(['prelu', 'leakyrelu', 'relu6', 'elu'] as const)('fused with %s', (activation) =>
    expectSame({
      inputs: {
        x: numbers([2, 3, 4, 4], 1),
        w: numbers([3, 3, 4, 5], 2),
        bias: numbers([5], 3),
        slopes: numbers([5], 4),
      },
      ...CLOSE,
      op: ({ x, w, bias, slopes }) => {
        const common = { bias: bias!, activation, preluActivationWeights: slopes!, leakyreluAlpha: 0.3 };
        const [image, filter] = [x as tf.Tensor4D, w as tf.Tensor4D];
        return {
          conv: tf.fused.conv2d({ x: image, filter, strides: 1, pad: 'same', ...common }),
          first: tf.fused.conv2d({
            x: tf.transpose(image, [0, 3, 1, 2]),
            filter,
            strides: 1,
            pad: 'same',
            dataFormat: 'NCHW',
            ...common,
          }),
          depthwise: tf.fused.depthwiseConv2d({
            x: image,
            filter: tf.slice(filter, [0, 0, 0, 0], [3, 3, 4, 1]),
            strides: 2,
            pad: 'same',
            activation,
            preluActivationWeights: tf.slice(slopes!, [0], [4]),
            leakyreluAlpha: 0.3,
          }),
          product: tf.fused.matMul({
            a: tf.reshape(image, [24, 4]),
            b: tf.reshape(filter, [45, 4]),
            transposeB: true,
            activation: activation === 'prelu' ? 'relu' : activation,
            leakyreluAlpha: 0.3,
          }),
        };
      },
    }),
  );
});

describe('pools, and their gradients', () => {
  const geometry = record({
    batch: upTo(2),
    size: sides(8),
    channels: upTo(3),
    kernel: sides(4),
    strides: sides(4),
    pad: pads,
    mode: rounding,
  });
  type Geometry = typeof geometry extends fc.Arbitrary<infer G> ? G : never;
  const windowsOf = (
    { batch, size, channels, kernel, strides, pad, mode }: Geometry,
    rounded = roundingOf(pad, mode),
  ) =>
    tf.backend_util.computePool2DInfo(
      [batch, ...size, channels],
      kernel,
      strides,
      1,
      padding(pad) as 'same',
      rounded,
    );
  const counts = ({ outHeight, outWidth }: ReturnType<typeof windowsOf>) => [outHeight, outWidth];
  const hasWindows = (g: Geometry) => counts(windowsOf(g)).every((count) => count > 0);

  property('largest', geometry, (g) => {
    if (!hasWindows(g)) return undefined;
    const f: Linear = (x) =>
      tf.maxPool(x as tf.Tensor4D, g.kernel, g.strides, padding(g.pad) as 'same', roundingOf(g.pad, g.mode));
    // TensorFlow.js's gradient does not know of the rounding.
    const forgotten = String(counts(windowsOf(g))) !== String(counts(windowsOf(g, undefined)));
    return asEager(f, [halves([g.batch, ...g.size, g.channels], 1)], !forgotten);
  });

  // TensorFlow.js's gradient gives every pixel one part of the window's area, where the mean is of fewer at the edges.
  property('means', geometry, (g) => {
    const { padInfo, outHeight, outWidth } = windowsOf(g);
    const { top, left, bottom, right } = padInfo;
    const isPadded = top + left + bottom + right > 0 || typeof g.pad !== 'string';
    if (outHeight < 1 || outWidth < 1) return undefined;
    // Of padding alone there is no mean.
    const begins = [-top, -left];
    const ends = [(outHeight - 1) * g.strides[0] - top, (outWidth - 1) * g.strides[1] - left];
    if (begins.some((at, i) => at + g.kernel[i]! <= 0) || ends.some((at, i) => at >= g.size[i]!))
      return undefined;
    return linear(
      (x) =>
        tf.avgPool(
          x as tf.Tensor4D,
          g.kernel,
          g.strides,
          padding(g.pad) as 'same',
          roundingOf(g.pad, g.mode),
        ),
      [numbers([g.batch, ...g.size, g.channels], 1)],
      !isPadded,
    );
  });

  property('largest, with their places', record({ g: geometry, all: fc.boolean() }), ({ g, all }) =>
    counts(windowsOf(g, undefined)).every((count) => count > 0)
      ? {
          inputs: { x: halves([g.batch, ...g.size, g.channels], 1) },
          op: ({ x }) => ({
            ...tf.maxPoolWithArgmax(x as tf.Tensor4D, g.kernel, g.strides, padding(g.pad) as 'same', all),
          }),
        }
      : undefined,
  );

  const deep = record({
    batch: upTo(2),
    size: sides3(5),
    channels: upTo(2),
    kernel: upTo(3),
    strides: sides3(3),
    pad: constantFrom('same' as const, 'valid' as const),
  });
  // Of windows that are not cubes, TensorFlow.js loses the place.
  property('largest over three axes', deep, ({ batch, size, channels, kernel, strides, pad }) =>
    pad === 'valid' && size.some((n) => n < kernel)
      ? undefined
      : asEager(
          (x) => tf.maxPool3d(x as tf.Tensor5D, kernel, strides, pad),
          [halves([batch, ...size, channels], 1)],
        ),
  );
  property('means over three axes', deep, ({ batch, size, channels, kernel, strides, pad }) =>
    pad === 'valid' && size.some((n) => n < kernel)
      ? undefined
      : linear(
          (x) => tf.avgPool3d(x as tf.Tensor5D, kernel, strides, pad),
          [numbers([batch, ...size, channels], 1)],
          pad === 'valid',
        ),
  );

  const { NaN: none, POSITIVE_INFINITY: infinity } = Number;
  test.each([
    ['NaN', [none, 2, 3, 4, none, 6, 7, none, 9]],
    ['NaN alone', [none, none, none, none, none, none, none, none, none]],
    [
      'infinite numbers',
      [-infinity, -infinity, -infinity, -infinity, -infinity, -infinity, -infinity, -infinity, 5],
    ],
  ])('of %s', (_, values) =>
    expectSame({
      inputs: { x: f32(values, [1, 3, 3, 1]) },
      ...CLOSE,
      op: ({ x }) => {
        const image = x as tf.Tensor4D;
        const gradient = (size: number, strides: number) =>
          tf.grad((y: tf.Tensor) => tf.maxPool(y as tf.Tensor4D, size, strides, 'same'))(image);
        return {
          close: tf.maxPool(image, 2, 1, 'valid'),
          padded: tf.maxPool(image, 2, 2, 'same'),
          means: tf.avgPool(image, 2, 2, 'same'),
          apart: gradient(2, 2),
          overlapping: gradient(2, 1),
        };
      },
    }),
  );

  test('of whole numbers', () =>
    expectSame({
      inputs: {
        x: i32(
          Array.from({ length: 18 }, (_, i) => (i * 7) % 11),
          [1, 3, 3, 2],
        ),
      },
      op: ({ x }) => ({ y: tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid') }),
    }));

  test('a gradient whose value nobody uses', () =>
    expectSame({
      inputs: { x: numbers([1, 4, 4, 2], 1) },
      op: ({ x }) => ({
        y: tf.grad((image: tf.Tensor) => tf.maxPool(image as tf.Tensor4D, 2, 2, 'valid').sum())(x!),
      }),
    }));
});

describe('resizing, and its gradients', () => {
  const geometry = record({
    batch: upTo(2),
    size: sides(7),
    channels: upTo(3),
    to: sides(14),
    flags: constantFrom<[boolean, boolean]>([false, false], [true, false], [false, true]),
  });
  // TensorFlow.js's gradients do not know of half pixels, exchange the sides, and are wrong for batches.
  property('bilinear', geometry, ({ batch, size, channels, to, flags: [corners, centers] }) =>
    linear(
      (x) => tf.image.resizeBilinear(x as tf.Tensor4D, to, corners, centers),
      [numbers([batch, ...size, channels], 1)],
      size[0] === size[1] && !centers,
    ),
  );
  property('nearest', geometry, ({ batch, size, channels, to, flags: [corners, centers] }) =>
    linear(
      (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, to, corners, centers),
      [numbers([batch, ...size, channels], 1)],
      false,
    ),
  );
  test('of whole numbers, and by a whole factor', () =>
    expectSame({
      inputs: {
        x: i32([1, 2, 3, 4, 5, 16777216], [1, 2, 3, 1]),
        y: numbers([1, 2, 3, 2], 2),
      },
      ...CLOSE,
      op: ({ x, y }) => ({
        nearest: tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [4, 5]),
        bilinear: tf.image.resizeBilinear(x as tf.Tensor4D, [4, 5]),
        doubled: tf.image.resizeNearestNeighbor(y as tf.Tensor4D, [4, 6]),
      }),
    }));
});

describe('other ops of images', () => {
  const image = numbers([2, 4, 6, 4], 1);
  const one = (f: (x: tf.Tensor4D) => tf.Tensor, gradient = false) =>
    asEager((x) => f(x as tf.Tensor4D), [image], gradient);
  const DILATIONS = [
    [1, 1, 'same'],
    [2, 1, 'valid'],
    [1, 2, 'same'],
  ] as const;
  const CASES: Record<string, Case> = {
    ...Object.fromEntries(
      DILATIONS.map(([strides, dilations, pad]) => [
        `dilation every ${strides} pixels, dilated by ${dilations}, ${pad}`,
        asEager(
          (x, filter) => tf.dilation2d(x as tf.Tensor4D, filter as tf.Tensor3D, strides, pad, dilations),
          [halves([2, 5, 6, 2], 1), halves([2, 3, 2], 2)],
        ),
      ]),
    ),
    'local response norm': one((x) => tf.localResponseNormalization(x, 1, 0.9, 0.8, 0.6), true),
    'local response norm over all channels': one((x) => tf.localResponseNormalization(x, 7), true),
    'mirrored pads': one((x) =>
      tf.concat([
        tf
          .mirrorPad(
            x,
            [
              [0, 0],
              [2, 1],
              [0, 3],
              [0, 0],
            ],
            'reflect',
          )
          .flatten(),
        tf
          .mirrorPad(
            x,
            [
              [1, 2],
              [0, 0],
              [6, 1],
              [4, 4],
            ],
            'symmetric',
          )
          .flatten(),
      ]),
    ),
    'depth to space': one((x) => tf.depthToSpace(x, 2, 'NHWC')),
    'space to batches and back': one(
      (x) =>
        tf.batchToSpaceND(
          tf
            .spaceToBatchND(
              x,
              [2, 3],
              [
                [1, 1],
                [0, 3],
              ],
            )
            .square(),
          [2, 3],
          [
            [1, 0],
            [2, 1],
          ],
        ),
      true,
    ),
    'flipped left to right': one((x) => tf.image.flipLeftRight(x)),
    rotated: one((x) =>
      tf.concat([
        tf.image.rotateWithOffset(x, 0.7, 0.25, 0.4).flatten(),
        tf.image.rotateWithOffset(x, -2, [1, 2, 3]).flatten(),
      ]),
    ),
    // TensorFlow.js transforms the first image alone.
    ...Object.fromEntries(
      (['constant', 'reflect', 'wrap', 'nearest'] as const).flatMap((fill) =>
        (['nearest', 'bilinear'] as const).map((interpolation) => [
          `transformed, ${interpolation}, outside ${fill}`,
          {
            inputs: {
              x: numbers([1, 5, 4, 2], 1),
              t: f32([0.9, 0.31, -3.7, -0.23, 1.1, 2.3, 0.013, -0.021], [1, 8]),
            },
            ...CLOSE,
            op: ({ x, t }) => ({
              y: tf.image.transform(x as tf.Tensor4D, t as tf.Tensor2D, interpolation, fill, 0.5, [6, 7]),
            }),
          } satisfies Case,
        ]),
      ),
    ),
    ...Object.fromEntries(
      (['bilinear', 'nearest'] as const).flatMap((method) =>
        (
          [
            [3, 5],
            [1, 1],
          ] as [number, number][]
        ).map((size) => [
          `cut out, ${method}, to [${size}]`,
          {
            inputs: {
              x: image,
              boxes: f32(
                [0, 0, 1, 1, 0.13, 0.27, 0.71, 0.93, 0.9, 0.8, 0.15, 0.23, -0.4, 0.2, 0.7, 1.3],
                [4, 4],
              ),
              index: i32([1, 0, 1, 0]),
            },
            ...CLOSE,
            op: ({ x, boxes, index }) => ({
              y: tf.image.cropAndResize(
                x as tf.Tensor4D,
                boxes as tf.Tensor2D,
                index as tf.Tensor1D,
                size,
                method,
                0.7,
              ),
            }),
          } satisfies Case,
        ]),
      ),
    ),
  };
  test.each(Object.entries(CASES))('%s', (_, drawn) => expectSame(drawn));

  test('transforms have every image of a batch', async () => {
    const maps = numbers([2, 8], 4);
    await expectSame({
      inputs: { x: numbers([2, 5, 4, 1], 1), maps },
      ...CLOSE,
      op: ({ x, maps: t }) => ({
        first: tf.image.transform(
          tf.slice(x as tf.Tensor4D, [0, 0, 0, 0], [1, 5, 4, 1]),
          tf.slice(t as tf.Tensor2D, [0, 0], [1, 8]),
          'bilinear',
        ),
        second: tf.image.transform(
          tf.slice(x as tf.Tensor4D, [1, 0, 0, 0], [1, 5, 4, 1]),
          tf.slice(t as tf.Tensor2D, [1, 0], [1, 8]),
          'bilinear',
        ),
      }),
    });
  });
});

describe('of constants alone', () => {
  const constants = () => {
    const values = (shape: [number, number, number, number], seed: number) =>
      tf.tensor4d(numbers(shape, seed).data, shape);
    const [x, w] = [values([1, 4, 4, 2], 1), values([3, 3, 2, 3], 2)];
    return { x, w, dy: values([1, 2, 2, 3], 3) };
  };
  test('resizing and gradients', () =>
    expectSame({
      inputs: { given: numbers([2], 1) },
      ...CLOSE,
      op: ({ given }) => {
        const { x, w, dy } = constants();
        return {
          given: given!.mul(2),
          resized: tf.image.resizeBilinear(x, [6, 7], false, true),
          ones: tf.image.resizeBilinear(tf.ones<tf.Rank.R4>([1, 4, 4, 2]), [6, 7]),
          filter: tf.grad((filter: tf.Tensor) => tf.conv2d(x, filter as tf.Tensor4D, 2, 'same').mul(dy))(w),
          image: tf.grad((y: tf.Tensor) => tf.conv2d(y as tf.Tensor4D, w, 2, 'same').mul(dy))(x),
        };
      },
    }));
});

test('forward ops are exported as ONNX', async () => {
  const fn = (params: Tensors, { x }: Record<'x', tf.Tensor>): Tensors => {
    const image = x as tf.Tensor4D;
    const deep = tf.reshape(image, [-1, 4, 6, 2, 2]) as tf.Tensor5D;
    return {
      depthwise: tf.depthwiseConv2d(image, params.w1 as tf.Tensor4D, 2, 'same'),
      transposed: tf.conv2dTranspose(image, params.w2 as tf.Tensor4D, [2, 8, 12, 3], 2, 'same'),
      deep: tf.conv3d(deep, params.w3 as tf.Tensor5D, 1, 'same'),
      largest: tf.maxPool(image, 3, 2, 'same'),
      means: tf.avgPool(image, 3, 2, 1, 'ceil'),
      largestDeep: tf.maxPool3d(deep, 2, 1, 'same'),
      places: tf.maxPoolWithArgmax(image, 3, 2, 'same').indexes!,
      bilinear: tf.image.resizeBilinear(image, [7, 5]),
      nearest: tf.image.resizeNearestNeighbor(image, [7, 9], true),
      norm: tf.localResponseNormalization(image, 1),
      mirrored: tf.mirrorPad(
        image,
        [
          [0, 0],
          [2, 1],
          [1, 3],
          [0, 0],
        ],
        'reflect',
      ),
      blocks: tf.depthToSpace(image, 2, 'NHWC'),
      turned: tf.image.rotateWithOffset(image, 0.7),
      seen: tf.image.transform(image, params.map as tf.Tensor2D, 'bilinear', 'reflect'),
      cut: tf.image.cropAndResize(image, params.boxes as tf.Tensor2D, tf.tensor1d([1, 0], 'int32'), [3, 3]),
    };
  };
  const params = {
    w1: numbers([3, 3, 4, 2], 2),
    w2: numbers([3, 3, 3, 4], 3),
    w3: numbers([2, 2, 2, 2, 3], 4),
    map: numbers([2, 8], 5),
    boxes: numbers([2, 4], 6),
  };
  const x = numbers([2, 4, 6, 4], 1);
  const file = await exportOnnx(fn, { params, inputs: { x: { dtype: 'float32', shape: x.shape } } });
  const [actual] = runOnnx('onnxruntime-node', file, [{ x }]);
  tf.setBackend('cpu');
  const weights = Object.entries(params).map(([name, host]) => [name, tensorOf(host)]);
  const expected = Object.entries(fn(Object.fromEntries(weights), { x: tensorOf(x) }));
  // TensorFlow.js transforms the first image alone.
  const seen = ({ seen, ...others }: NamedTensors) => ({ seen: seen!.shape, others });
  const [got, wanted] = [
    seen(actual!),
    seen(Object.fromEntries(expected.map(([n, t]) => [n, readTensor(t)]))),
  ];
  expect(got.seen).toEqual(wanted.seen);
  const close = { ofLargest: 1e-5 };
  expect(namedDifference(got.others, wanted.others, (tensor) => within(close, tensor))).toBeUndefined();
});
