import type * as tf from '@tensorflow/tfjs';

interface Caller<R> {
  call(tensors: Record<string, tf.Tensor>): R;
}
/**
 * A function of tensors by name, whoever gives them: a method's parameters may be narrower than it says, so that one of
 * `Record<'x', tf.Tensor>` is one.
 */
export type OfTensors<R> = Caller<R>['call'];
