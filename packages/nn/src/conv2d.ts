import * as tf from '@tensorflow/tfjs';

export interface Conv2dOptions {
  /** Pixels between neighbouring outputs, both ways. Default 1. */
  readonly stride?: number;
  /** `same` (default): (k - 1) / 2 zeros on every side, which needs an odd kernel; `valid`: none. */
  readonly padding?: 'same' | 'valid';
}

/**
 * Two-dimensional convolution (cross-correlation), as torch.nn.functional.conv2d.
 *
 * @param x `[batch, height, width, in]`
 * @param weight `[out, in, kernelHeight, kernelWidth]`, PyTorch's layout
 * @param bias `[out]`
 * @returns `[batch, height', width', out]`; with `same` and stride 1 the size is that of `x`
 * @throws when ranks or channels do not fit, or `same` is asked of an even kernel
 */
export function conv2d(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias?: tf.Tensor,
  { stride = 1, padding = 'same' }: Conv2dOptions = {},
): tf.Tensor4D {
  assertShapes(x, weight, bias);
  const [, , kernelHeight, kernelWidth] = weight.shape as [number, number, number, number];
  if (padding === 'same' && (kernelHeight % 2 === 0 || kernelWidth % 2 === 0)) {
    throw new RangeError(
      `conv2d with a ${kernelHeight}x${kernelWidth} kernel has no 'same' padding: use odd sides or 'valid'.`,
    );
  }
  return tf.tidy(() => {
    const filter = tf.transpose(weight, [2, 3, 1, 0]) as tf.Tensor4D;
    const y = tf.conv2d(
      x as tf.Tensor4D,
      filter,
      stride,
      tfjsPadding(kernelHeight, kernelWidth, stride, padding),
    );
    return bias === undefined ? y : tf.add(y, bias);
  });
}

/** TensorFlow's own `same` pads PyTorch's way at stride 1 only: beyond, it shifts by the size of the image. */
function tfjsPadding(
  kernelHeight: number,
  kernelWidth: number,
  stride: number,
  padding: 'same' | 'valid',
): 'same' | 'valid' | tf.backend_util.ExplicitPadding {
  if (padding === 'valid' || stride === 1) return padding;
  const [y, x] = [(kernelHeight - 1) / 2, (kernelWidth - 1) / 2];
  return [
    [0, 0],
    [y, y],
    [x, x],
    [0, 0],
  ];
}

function assertShapes(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor | undefined): void {
  if (x.rank !== 4) {
    throw new RangeError(`conv2d input is [${x.shape}]; expected [batch, height, width, channels].`);
  }
  if (weight.rank !== 4 || weight.shape[1] !== x.shape[3]) {
    throw new RangeError(
      `conv2d weight is [${weight.shape}]; expected [out, ${x.shape[3]}, height, width] for input [${x.shape}].`,
    );
  }
  if (bias !== undefined && (bias.rank !== 1 || bias.shape[0] !== weight.shape[0])) {
    throw new RangeError(`conv2d bias is [${bias.shape}]; expected [${weight.shape[0]}].`);
  }
}
