import * as tf from '@tensorflow/tfjs';

/** Eight roundings of float32. */
const RELATIVE = 2 ** -21;

/** Kernels that move, choose or negate numbers, and round none. */
const EXACT = new Set(
  (
    'Abs BroadcastTo Cast Ceil Concat ExpandDims Fill Floor GatherNd GatherV2 Identity Max Maximum MaxPool Min Minimum ' +
    'MirrorPad Neg OneHot OnesLike Pack PadV2 Relu Relu6 Reshape ResizeNearestNeighbor Reverse Round Select Sign Slice ' +
    'SplitV Step StridedSlice Tile TopK Transpose Unpack ZerosLike'
  ).split(' '),
);
/** Kernels whose terms may cancel, by the inputs of which terms are products. */
const TERMS: Readonly<Record<string, readonly string[]>> = {
  Sum: ['x'],
  Mean: ['x'],
  Cumsum: ['x'],
  LogSoftmax: ['logits'],
  AvgPool: ['x'],
  UnsortedSegmentSum: ['x'],
  BatchMatMul: ['a', 'b'],
  _FusedMatMul: ['a', 'b'],
  Conv2D: ['x', 'filter'],
  FusedConv2D: ['x', 'filter'],
  DepthwiseConv2dNative: ['x', 'filter'],
  Conv2DBackpropInput: ['dy', 'filter'],
  Conv2DBackpropFilter: ['x', 'dy'],
};

/** Noise that is switched on and off while programs run eagerly. */
export interface KernelNoise {
  /** With noise on what every kernel returns inside of `f`, or without, and then as before. */
  during<R>(noisy: boolean, f: () => R): R;
}

type RunKernel = (kernel: string, inputs: tf.NamedTensorMap, attrs?: object) => tf.Tensor | tf.Tensor[];

/**
 * Runs `f` such that what kernels return can be rounded a little differently, gradients included: how far results move
 * is how well the computation is conditioned, and how far apart two correct engines may be.
 */
export function withKernelNoise<R>(seed: number, f: (noise: KernelNoise) => R): R {
  const engine = tf.engine() as unknown as { runKernel: RunKernel };
  const { runKernel } = engine;
  let on = false;
  let at = seed * 1000;
  const random = (shape: readonly number[], most: number) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return tf.tensor(
      Float32Array.from({ length: size }, () => most * Math.sin(++at * 12.9898)),
      [...shape],
    );
  };
  const during: KernelNoise['during'] = (noisy, work) => {
    const before = on;
    on = noisy;
    try {
      return work();
    } finally {
      on = before;
    }
  };
  engine.runKernel = (kernel, inputs, attrs) => {
    const result = runKernel.call(engine, kernel, inputs, attrs);
    if (!on || EXACT.has(kernel)) return result;
    return during(false, () => {
      const terms = (TERMS[kernel] ?? []).reduce((product, name) => product * largest(inputs[name]!), 1);
      const rounded = (x: tf.Tensor) => {
        if (x.dtype !== 'float32') return x;
        const near = x.mul(random(x.shape, RELATIVE).add(1));
        return kernel in TERMS ? near.add(random(x.shape, RELATIVE * terms)) : near;
      };
      return Array.isArray(result) ? result.map(rounded) : rounded(result);
    });
  };
  try {
    return f({ during });
  } finally {
    engine.runKernel = runKernel;
  }
}

/** The largest finite magnitude. */
function largest(x: tf.Tensor): number {
  let most = 0;
  for (const number of x.dataSync()) if (Number.isFinite(number)) most = Math.max(most, Math.abs(number));
  return most;
}
