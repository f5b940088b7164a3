import * as tf from '@tensorflow/tfjs';
import type { NamedTfTensors } from './valueAndGrads';

/**
 * Exponential moving average of parameters: decay * average + (1 - decay) * parameter. Tensors that are not float32
 * are taken from `params` as they are. Reference: timm utils/model_ema.py. Decay in BEiT's fine-tuning, where it is
 * optional: 0.9999; in DALL-E's tokenizer: 0.999.
 */
export function updateEma(average: NamedTfTensors, params: NamedTfTensors, decay: number): NamedTfTensors {
  if (!(decay >= 0 && decay <= 1))
    throw new RangeError(`EMA decay is ${decay}; expected a number in [0, 1].`);
  return tf.tidy(() => {
    const next: NamedTfTensors = {};
    for (const [name, param] of Object.entries(params)) {
      const old = average[name];
      if (old === undefined)
        throw new Error(`The average has no "${name}"; start it as a copy of the parameters.`);
      // One product less than the definition: a + (1 - decay) * (p - a).
      next[name] = param.dtype === 'float32' ? tf.add(old, tf.mul(tf.sub(param, old), 1 - decay)) : param;
    }
    return next;
  });
}
