import type { HostTensor, NamedTensors } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import type { NamedTfTensors } from './valueAndGrads';

/** First and second moments of the gradients, by parameter name. */
export type Moments<T> = { readonly m: Record<string, T>; readonly v: Record<string, T> };

/** The numbers of one step, computed on the host in float64 and passed as float32 scalars, so nothing is retraced. */
export type OptimizerScalars<T> = { readonly stepSize: T; readonly epsilon: T; readonly weightDecay: T };

/** Pure functions of an optimizer; `adamW` makes one. */
export interface Optimizer {
  /** Whether a parameter is updated; the others (frozen, or not float32) have no moments and stay as they are. */
  trains(name: string, tensor: { readonly dtype: string }): boolean;
  /** Moments to begin with: zeros, on the host. */
  init(params: NamedTensors): Moments<HostTensor>;
  /** Types of the scalars, for compiling. */
  readonly scalarSpecs: OptimizerScalars<{ readonly dtype: 'float32'; readonly shape: readonly [] }>;
  /** The scalars of a step. `step` is 0-based; `weightDecay` overrides the config's, for schedules of it. */
  scalars(step: number, learningRate: number, weightDecay?: number): OptimizerScalars<HostTensor>;
  /**
   * One update. `gradients` has every trained parameter. `gradNorm`: global norm before clipping, a scalar; given where
   * these parameters are a part only of all that are clipped together.
   */
  update(
    params: NamedTfTensors,
    gradients: NamedTfTensors,
    moments: Moments<tf.Tensor>,
    scalars: OptimizerScalars<tf.Tensor>,
    gradNorm?: tf.Scalar,
  ): { params: NamedTfTensors; moments: { m: NamedTfTensors; v: NamedTfTensors }; gradNorm: tf.Scalar };
}
