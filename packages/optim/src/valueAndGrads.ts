import * as tf from '@tensorflow/tfjs';
import { tidied } from './tidied';

/** Tensors by name: parameters, gradients, moments. */
export type NamedTfTensors = Record<string, tf.Tensor>;

/** What a differentiable function gives: the loss, a float32 scalar, and any other tensors it wants to report, by name. */
export interface LossAndOutputs {
  readonly loss: tf.Tensor;
}

/**
 * Value, other outputs and gradients of `f` at `params`.
 *
 * @param f pure; its `loss` is differentiated, its other outputs are passed through
 * @param params float32 tensors of any shape
 * @returns `gradients`: one per parameter, of its shape; zeros where the loss does not depend on it
 * @throws when `loss` is missing or not a float32 scalar, or a parameter is not float32
 *
 * Inside `tf.tidy` or a compiled step everything returned is cleaned up by it; elsewhere the caller disposes of it.
 */
export function valueAndGrads<O extends LossAndOutputs>(
  f: (params: NamedTfTensors) => O,
  params: NamedTfTensors,
): { loss: tf.Scalar; outputs: Omit<O, 'loss'>; gradients: NamedTfTensors } {
  const names = Object.keys(params);
  for (const name of names) {
    if (params[name]!.dtype !== 'float32') {
      throw new TypeError(`Parameter "${name}" is ${params[name]!.dtype}; only float32 has gradients.`);
    }
  }
  if (names.length === 0) throw new Error('valueAndGrads needs at least one parameter to differentiate by.');

  return tidied(() => {
    const kept: NamedTfTensors = {};
    // tf.valueAndGrads returns one tensor only and cleans up the rest, so the others leave as kept clones. It also
    // refuses a loss that no parameter influences; the engine's own function, which it calls, need not.
    const { value, grads } = tf.engine().gradients(
      () => {
        const { loss, ...outputs } = f(params);
        assertLoss(loss);
        for (const [name, tensor] of Object.entries(outputs as unknown as NamedTfTensors))
          kept[name] = tf.keep(tf.clone(tensor));
        return loss;
      },
      names.map((name) => params[name]!),
      undefined,
      true,
    );
    const outputs: NamedTfTensors = {};
    for (const [name, tensor] of Object.entries(kept)) {
      outputs[name] = tf.clone(tensor);
      tensor.dispose();
    }
    const gradients: NamedTfTensors = {};
    names.forEach((name, i) => {
      gradients[name] = grads[i] ?? tf.zerosLike(params[name]!);
    });
    return { loss: value as tf.Scalar, outputs: outputs as Omit<O, 'loss'>, gradients };
  });
}

function assertLoss(loss: tf.Tensor | undefined): void {
  if (!(loss instanceof tf.Tensor)) throw new TypeError('A loss function must return { loss, ...outputs }.');
  if (loss.dtype !== 'float32' || loss.rank !== 0) {
    throw new TypeError(`The loss must be a float32 scalar; got ${loss.dtype} of shape [${loss.shape}].`);
  }
}
