import * as tf from '@tensorflow/tfjs';

/** The part of tfjs-node's backend that is used here: TensorFlow's own ops by name. */
interface TensorflowBackend extends tf.KernelBackend {
  readonly binding: Readonly<
    Record<'TF_FLOAT' | 'TF_ATTR_TYPE' | 'TF_ATTR_SHAPE' | 'TF_ATTR_STRING' | 'TF_ATTR_BOOL', number>
  >;
  executeSingleOutput(op: string, attributes: readonly Attribute[], inputs: readonly tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly tf.Tensor[],
    numOutputs: number,
  ): tf.Tensor[];
}
type Attribute = { readonly name: string; readonly type: number; readonly value: unknown };

/** The numbers of one Adam update: scalars; `stepSize` and `epsilon` with their bias corrections. */
export interface AdamScalars {
  readonly stepSize: tf.Tensor;
  readonly epsilon: tf.Tensor;
  readonly beta1: tf.Tensor;
  readonly beta2: tf.Tensor;
}

/** TensorFlow's kernels that do the work of many of TensorFlow.js's ops in one pass over memory. */
export interface TensorflowKernels {
  /** Half the sum of squares; a scalar. */
  l2Loss(tensor: tf.Tensor): tf.Tensor;
  /**
   * Adam: `m += (g - m) * (1 - beta1)`, `v += (g * g - v) * (1 - beta2)`, `param -= stepSize * m / (sqrt(v) + epsilon)`.
   * `param` is disposed of: its memory becomes the result's. The other tensors stay as they are.
   */
  applyAdam(
    param: tf.Tensor,
    m: tf.Tensor,
    v: tf.Tensor,
    gradient: tf.Tensor,
    scalars: AdamScalars,
  ): { param: tf.Tensor; m: tf.Tensor; v: tf.Tensor };
}

/** TensorFlow's name for a variable that nobody else can look up, and that goes when its handle goes. */
const ANONYMOUS = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';

/** The kernels, where TensorFlow.js runs on TensorFlow (tfjs-node); `undefined` elsewhere, and while tracing. */
export function tensorflowKernels(): TensorflowKernels | undefined {
  if (tf.getBackend() !== 'tensorflow' || !('executeMultipleOutputs' in tf.backend())) return undefined;
  const backend = tf.backend() as TensorflowBackend;
  const { TF_FLOAT, TF_ATTR_TYPE, TF_ATTR_SHAPE, TF_ATTR_STRING, TF_ATTR_BOOL } = backend.binding;
  const float = (name: string): Attribute => ({ name, type: TF_ATTR_TYPE, value: TF_FLOAT });
  const variable = (tensor: tf.Tensor): tf.Tensor => {
    const attributes = [
      float('dtype'),
      { name: 'shape', type: TF_ATTR_SHAPE, value: tensor.shape },
      { name: 'container', type: TF_ATTR_STRING, value: '' },
      { name: 'shared_name', type: TF_ATTR_STRING, value: ANONYMOUS },
    ];
    const handle = backend.executeSingleOutput('VarHandleOp', attributes, []);
    backend.executeMultipleOutputs('AssignVariableOp', [float('dtype')], [handle, tensor], 0);
    return handle;
  };
  const read = (handle: tf.Tensor) =>
    backend.executeSingleOutput('ReadVariableOp', [float('dtype')], [handle]);

  return {
    l2Loss: (tensor) => backend.executeSingleOutput('L2Loss', [float('T')], [tensor]),

    applyAdam: (param, m, v, gradient, { stepSize, epsilon, beta1, beta2 }) =>
      tf.tidy(() => {
        // The kernel writes to variables; one whose tensor has another owner is copied first, the moments here.
        const handles = [variable(param), variable(m), variable(v)] as const;
        param.dispose();
        const none = tf.scalar(0); // powers of beta for the bias correction, which stepSize and epsilon contain
        const attributes = ['use_locking', 'use_nesterov'].map((name) => ({
          name,
          type: TF_ATTR_BOOL,
          value: false,
        }));
        backend.executeMultipleOutputs(
          'ResourceApplyAdam',
          [float('T'), ...attributes],
          [...handles, none, none, stepSize, beta1, beta2, epsilon, gradient],
          0,
        );
        return { param: read(handles[0]), m: read(handles[1]), v: read(handles[2]) };
      }),
  };
}
