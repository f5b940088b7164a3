import * as tf from '@tensorflow/tfjs';
import type { FunctionalLayersModel, FunctionalModel } from './functionalModel';
import { graphModel } from './graphModel';
import { layersModel } from './layersModel';

/**
 * A model of `tf.layers`, or a Graph model, as pure functions of named parameters: to predict, to train with
 * `@beit/optim`, to compile and to export with `@beit/compile`. The model stays what it is until `assign`.
 *
 * Layers that are added, frozen or thawed later are not seen.
 *
 * @throws for a model that is no pure function (stateful layers; control flow and ops whose results have no fixed shape,
 * in Graph models), with the name of the layer or op
 */
export function functional(model: tf.LayersModel): FunctionalLayersModel;
export function functional(model: tf.GraphModel): FunctionalModel;
export function functional(model: tf.LayersModel | tf.GraphModel): FunctionalModel {
  if (model instanceof tf.GraphModel) return graphModel(model);
  if (Array.isArray(model?.layers)) return layersModel(model);
  throw new Error(
    'functional(model) takes a tf.LayersModel, such as tf.sequential makes, or a tf.GraphModel.',
  );
}
