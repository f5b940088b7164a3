/**
 * Convolution, pooling and resizing. TensorFlow.js has channels last and filters [kh, kw, in, out]; the graph has
 * channels first, as ONNX. The transposes between are recorded here and cancelled by the passes.
 */
import * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import { applyFused, type RecordKernel, reshape, transpose } from './kernelParts';

const TO_NCHW = [0, 3, 1, 2];
const TO_NHWC = [0, 2, 3, 1];
const HWIO_TO_OIHW = [3, 2, 0, 1];
const OIHW_TO_HWIO = [2, 3, 1, 0];

interface ConvAttributes {
  strides: [number, number] | number;
  pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  dataFormat?: 'NHWC' | 'NCHW';
  dilations?: [number, number] | number;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}
type Shape4 = [number, number, number, number];

const channelsLastOnly = (attrs: ConvAttributes, kernel: string) => {
  if (attrs.dataFormat && attrs.dataFormat !== 'NHWC') {
    throw new Error(`${kernel} with dataFormat '${attrs.dataFormat}' can't be traced; use 'NHWC'.`);
  }
};

function geometry(x: readonly number[], filter: readonly number[], attrs: ConvAttributes, depthwise = false) {
  channelsLastOnly(attrs, 'A convolution');
  const info = tf.backend_util.computeConv2DInfo(
    x as Shape4,
    filter as Shape4,
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad as 'same',
    attrs.dimRoundingMode,
    depthwise,
  );
  return {
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    pads: [info.padInfo.top, info.padInfo.left, info.padInfo.bottom, info.padInfo.right],
    group: depthwise ? info.inChannels : 1,
  };
}

/** Depthwise filters [kh, kw, in, multiplier] as grouped ones [in * multiplier, 1, kh, kw]. */
function depthwiseFilter(b: GraphBuilder, filter: Value): Value {
  const [kh, kw, channels, multiplier] = filter.shape as Shape4;
  return reshape(b, transpose(b, filter, [2, 3, 0, 1]), [channels * multiplier, 1, kh, kw]);
}

const conv = (b: GraphBuilder, x: Value, filter: Value, attrs: ConvAttributes): Value => {
  const y = b.emit(
    'Conv',
    [transpose(b, x, TO_NCHW), transpose(b, filter, HWIO_TO_OIHW)],
    geometry(x.shape, filter.shape, attrs),
  );
  return transpose(b, y, TO_NHWC);
};
const depthwiseConv = (b: GraphBuilder, x: Value, filter: Value, attrs: ConvAttributes): Value => {
  const y = b.emit(
    'Conv',
    [transpose(b, x, TO_NCHW), depthwiseFilter(b, filter)],
    geometry(x.shape, filter.shape, attrs, true),
  );
  return transpose(b, y, TO_NHWC);
};

interface PoolAttributes {
  filterSize: [number, number] | number;
  strides: [number, number] | number;
  pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}
function poolGeometry(x: readonly number[], attrs: PoolAttributes) {
  const info = tf.backend_util.computePool2DInfo(
    x as Shape4,
    attrs.filterSize,
    attrs.strides,
    1,
    attrs.pad as 'same',
    attrs.dimRoundingMode,
  );
  return {
    kernel: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    pads: [info.padInfo.top, info.padInfo.left, info.padInfo.bottom, info.padInfo.right],
  };
}
function disjointWindows(pool: ReturnType<typeof poolGeometry>, kernel: string) {
  if (pool.kernel.some((size, i) => pool.strides[i]! < size)) {
    throw new Error(
      `${kernel} with windows of [${pool.kernel}] every [${pool.strides}] pixels can't be traced: they overlap. ` +
        "Use a stride of at least the window, or engine 'tfjs'.",
    );
  }
}

function integerFactors(
  from: readonly number[],
  to: readonly number[],
  attrs: { alignCorners: boolean; halfPixelCenters: boolean },
) {
  const factors = [to[0]! / from[1]!, to[1]! / from[2]!];
  if (attrs.alignCorners || factors.some((f) => !Number.isInteger(f) || f < 1)) {
    throw new Error(
      `Nearest-neighbour resizing of [${from[1]}, ${from[2]}] to [${to}] can't be traced: expected whole factors and no alignCorners.`,
    );
  }
  return factors;
}

export const convKernels: Readonly<Record<string, RecordKernel>> = {
  Conv2D: ({ x, filter }, attrs, b) => conv(b, x!, filter!, attrs),
  FusedConv2D: ({ x, filter, bias }, attrs, b) =>
    applyFused(b, conv(b, x!, filter!, attrs), bias, attrs.activation),
  DepthwiseConv2dNative: ({ x, filter }, attrs, b) => depthwiseConv(b, x!, filter!, attrs),
  FusedDepthwiseConv2D: ({ x, filter, bias }, attrs, b) =>
    applyFused(b, depthwiseConv(b, x!, filter!, attrs), bias, attrs.activation),
  Conv2DBackpropInput: ({ dy, filter }, attrs, b) => {
    const [n, h, w, c] = attrs.inputShape as Shape4;
    const dx = b.emit(
      'ConvInputGradient',
      [transpose(b, dy!, TO_NCHW), transpose(b, filter!, HWIO_TO_OIHW)],
      {
        ...geometry([n, h, w, c], filter!.shape, attrs),
        inputShape: [n, c, h, w],
      },
    );
    return transpose(b, dx, TO_NHWC);
  },
  Conv2DBackpropFilter: ({ x, dy }, attrs, b) => {
    const [kh, kw, inputs, outputs] = attrs.filterShape as Shape4;
    const dw = b.emit('ConvFilterGradient', [transpose(b, x!, TO_NCHW), transpose(b, dy!, TO_NCHW)], {
      ...geometry(x!.shape, attrs.filterShape, attrs),
      filterShape: [outputs, inputs, kh, kw],
    });
    return transpose(b, dw, OIHW_TO_HWIO);
  },
  MaxPool: ({ x }, attrs, b) => {
    const y = b.emit('MaxPool', [transpose(b, x!, TO_NCHW)], poolGeometry(x!.shape, attrs));
    return transpose(b, y, TO_NHWC);
  },
  MaxPoolGrad: ({ dy, input }, attrs, b) => {
    const pool = poolGeometry(input!.shape, attrs);
    disjointWindows(pool, 'The gradient of a max pool');
    const x = transpose(b, input!, TO_NCHW);
    const [, indices] = b.emitAll('MaxPool', [x], pool);
    const dx = b.emit('MaxUnpool', [transpose(b, dy!, TO_NCHW), indices!], {
      ...pool,
      outputShape: x.shape,
    });
    return transpose(b, dx, TO_NHWC);
  },
  AvgPool: ({ x }, attrs, b) => {
    const y = b.emit('AveragePool', [transpose(b, x!, TO_NCHW)], poolGeometry(x!.shape, attrs));
    return transpose(b, y, TO_NHWC);
  },
  AvgPoolGrad: ({ dy, input }, attrs, b) => {
    const pool = poolGeometry(input!.shape, attrs);
    const [kh, kw] = pool.kernel as [number, number];
    const [, h, w] = input!.shape as Shape4;
    if (pool.kernel.some((k, i) => k !== pool.strides[i]) || h % kh !== 0 || w % kw !== 0) {
      throw new Error(
        `The gradient of an average pool of [${kh}, ${kw}] every [${pool.strides}] pixels over [${h}, ${w}] can't be ` +
          'traced: expected windows that tile the image.',
      );
    }
    const spread = b.emit('UpsampleNearest', [transpose(b, dy!, TO_NCHW)], { factors: [kh, kw] });
    return transpose(b, b.emit('Mul', [spread, b.scalar(1 / (kh * kw))]), TO_NHWC);
  },
  ResizeNearestNeighbor: ({ images }, attrs, b) => {
    const factors = integerFactors(images!.shape, attrs.size, attrs);
    return transpose(b, b.emit('UpsampleNearest', [transpose(b, images!, TO_NCHW)], { factors }), TO_NHWC);
  },
  ResizeNearestNeighborGrad: ({ images, dy }, attrs, b) => {
    const [, h, w] = dy!.shape as Shape4;
    const factors = integerFactors(images!.shape, [h, w], attrs) as [number, number];
    const pool = { kernel: factors, strides: factors, pads: [0, 0, 0, 0] };
    const mean = b.emit('AveragePool', [transpose(b, dy!, TO_NCHW)], pool);
    return transpose(b, b.emit('Mul', [mean, b.scalar(factors[0] * factors[1])]), TO_NHWC);
  },
  // Channels stay last: both engines resize pixel by pixel, and read whole pixels then.
  ResizeBilinear: ({ images }, attrs, b) => {
    if (attrs.alignCorners || !attrs.halfPixelCenters)
      throw new Error(
        "Bilinear resizing can't be traced but with halfPixelCenters and without alignCorners.",
      );
    return b.emit('ResizeBilinear', [images!], { size: attrs.size });
  },
};
