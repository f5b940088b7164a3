import { isRunningStatistic, type NamedTfTensors } from '@beit/optim';
import * as tf from '@tensorflow/tfjs';
import type { FunctionalLayersModel } from './functionalModel';
import { tensorsInOrder } from './parameters';

/** What `model.fit` minimizes, with what `model.compile` was given. */
export function fitLoss(
  model: tf.LayersModel,
  outputNames: readonly string[],
  apply: FunctionalLayersModel['apply'],
): FunctionalLayersModel['loss'] {
  return (params, { x, y, noise }) => {
    const { lossFunctions, metricsTensors, metricsNames } = compiled(model);
    const { outputs, updates, penalty } = apply(params, x, { training: true, noise });
    for (const name of Object.keys(updates)) {
      if (isRunningStatistic(name)) continue;
      throw new Error(
        `A layer writes '${name}' in training, which is no moving average: call apply() in a loss of your own, and take ` +
          `updates['${name}'] over in your step.`,
      );
    }
    const predicted = outputNames.map((name) => outputs[name]!);
    const targets = tensorsInOrder(y, outputNames, 'target');
    const losses = lossFunctions.map((loss, i) => loss(targets[i]!, predicted[i]!));
    const metrics: NamedTfTensors = {};
    metricsTensors.forEach(([metric, output], i) => {
      metrics[metricsNames[i + 1]!] = tf.mean(metric(targets[output]!, predicted[output]!));
    });
    const total = tf.mean(losses.reduce((sum, loss) => tf.add(sum, loss)));
    return { ...updates, ...metrics, loss: tf.add(total, penalty) };
  };
}

function compiled(model: tf.LayersModel): tf.LayersModel {
  // A sequential model is compiled inside, as one of the functional kind.
  const inner = (model as tf.LayersModel & { readonly model?: tf.LayersModel }).model ?? model;
  if (!inner.lossFunctions) {
    throw new Error(
      `The model '${model.name}' has no loss: call model.compile({ loss, optimizer }) first, or apply() in a loss of your own.`,
    );
  }
  return inner;
}
