import type * as tf from '@tensorflow/tfjs';
import type { Override } from './overriding';

type Layer = tf.layers.Layer;

/**
 * Mends two habits of TensorFlow.js's recurrent layers in a model. They write their initial states among their arguments,
 * which are one object for all layers, so that the next one takes them for its own. And one that returns its states is
 * called once for each of its outputs, in training with another dropout for each.
 */
export const recurrentCalls = (layers: Iterable<Layer>): Override[] =>
  [...layers]
    .filter((layer) => 'cell' in layer || layer.getClassName() === 'Bidirectional')
    .map((layer) => {
      const own = layer.apply.bind(layer);
      const calls: { readonly inputs: readonly unknown[]; readonly outputs: ReturnType<Layer['apply']> }[] =
        [];
      const apply: Layer['apply'] = (given, kwargs) => {
        const inputs = [given].flat();
        const known = calls.find((call) => inputs.every((input, i) => input === call.inputs[i]));
        if (known) return known.outputs;
        const outputs = own(given, { ...kwargs });
        calls.push({ inputs, outputs });
        return outputs;
      };
      return { object: layer, member: 'apply', value: apply };
    });
