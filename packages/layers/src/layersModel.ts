import { isRunningStatistic, type NamedTfTensors } from '@beit/optim';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { fitLoss } from './fitLoss';
import type { Applied, FunctionalLayersModel } from './functionalModel';
import { noiseTaker } from './noise';
import { overriding } from './overriding';
import { byUniqueName, chosenParams, newTensors, shapesInOrder, tensorsInOrder, toHost } from './parameters';
import { noiseOf, withNoise } from './randomLayers';
import { recurrentCalls } from './recurrentCalls';
import { sublayers } from './sublayers';
import { tidied } from './tidied';
import { withVariables } from './withVariables';

/** `functional` for a model of layers. */
export function layersModel(model: tf.LayersModel): FunctionalLayersModel {
  // Built again, a model would lose what it was compiled with.
  if (model instanceof tf.Sequential && !model.built && model.outputs.length > 0) model.build();
  refuse(model);
  // Weights of layers that are shared occur several times.
  const variables = byUniqueName(
    [...new Set(model.weights)].map((variable) => [variable.originalName, variable]),
  );
  const trained = new Set(model.trainableWeights);
  const { inputNames } = model;
  // A layer with several outputs gives each its name.
  const outputNames = [...byUniqueName(model.outputNames.map((name) => [name, name])).keys()];

  const apply: FunctionalLayersModel['apply'] = (params, x, { training = false, noise } = {}) =>
    tidied((): Applied => {
      const inputs = tensorsInOrder(x, inputNames);
      const { result, written } = withVariables(variables, chosenParams(params, variables), () => {
        const made = withNoise(model, noiseTaker(noise), () =>
          overriding(recurrentCalls(sublayers(model)), () =>
            model.apply(inputs.length === 1 ? inputs[0]! : inputs, training ? { training } : {}),
          ),
        ) as tf.Tensor | tf.Tensor[];
        const penalties = model.calculateLosses();
        return { made: Array.isArray(made) ? made : [made], penalties };
      });
      const updates: NamedTfTensors = {};
      for (const name of variables.keys()) {
        const next = written[name] ?? (isRunningStatistic(name) ? params[name] : undefined);
        if (next) updates[name] = next;
      }
      return {
        output: result.made[0]!,
        outputs: Object.fromEntries(outputNames.map((name, i) => [name, result.made[i]!])),
        updates,
        penalty: result.penalties.reduce((sum, penalty) => tf.add(sum, penalty), tf.scalar(0)),
      };
    });

  return {
    params: Object.fromEntries(
      [...variables].map(([name, variable]) => [name, toHost(name, variable.read())]),
    ),
    inputNames,
    outputNames,
    trainable(name) {
      const variable = variables.get(name);
      return variable !== undefined && variable.dtype === 'float32' && trained.has(variable);
    },
    apply,
    noise: (inputShapes) => noiseOf(model, shapesInOrder(inputShapes, inputNames)),
    async assign(params: NamedTensors) {
      const tensors = newTensors(params, variables);
      // As TensorFlow.js's own optimizers do: `write` would apply constraints, which they do not.
      for (const [name, tensor] of tensors) (variables.get(name)!.read() as tf.Variable).assign(tensor);
      tf.dispose([...tensors.values()]);
    },
    loss: fitLoss(model, outputNames, apply),
  };
}

/** @throws for a model that is no pure function, or none yet */
function refuse(model: tf.LayersModel): void {
  if (!model.built || model.outputs.length === 0) {
    throw new Error(`The model '${model.name}' has no weights yet: give its first layer an inputShape.`);
  }
  for (const layer of sublayers(model)) {
    if ('cell' in layer && layer.stateful) {
      throw new Error(
        `The layer '${layer.name}' is stateful: it keeps its states from one call to the next, as no pure function does. ` +
          'Make it without stateful, and its initial states an input.',
      );
    }
  }
}
