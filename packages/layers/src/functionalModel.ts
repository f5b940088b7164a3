import type { LossAndOutputs, NamedTfTensors } from '@beit/optim';
import type { NamedTensors } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import type { InputShapes, NoiseSpec } from './noise';

/** The input of a model that has one; several in the model's order, or by name. */
export type ModelInputs = tf.Tensor | readonly tf.Tensor[] | { readonly [name: string]: tf.Tensor };

export interface ApplyOptions {
  /** Whether layers behave as in `model.fit`: batch statistics, dropout. Default false, as in `model.predict`. */
  readonly training?: boolean;
  /** The random numbers of a training step, by the names of `noise(shape)`. */
  readonly noise?: NamedTfTensors;
}

/** What a model gives. Outside of `tf.tidy` and of compiled steps the caller disposes of it. */
export interface Applied {
  /** The output, or the first of several. */
  readonly output: tf.Tensor;
  /** All of them, by name. */
  readonly outputs: NamedTfTensors;
  /**
   * The next values of the moving averages of batch normalizations, and of whatever else a layer writes, by the names of
   * the parameters. Without training the averages are what they were.
   */
  readonly updates: NamedTfTensors;
  /** The sum of the regularizers' penalties, a scalar. */
  readonly penalty: tf.Scalar;
}

/** A model as pure functions of named parameters. */
export interface FunctionalModel {
  /** The model's parameters now, copied to the host, under the names that `model.save` gives them. */
  readonly params: NamedTensors;
  /** Names of inputs and outputs, in the model's order. */
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Whether training moves a parameter: not the moving averages, nor what is frozen in the model. */
  trainable(name: string): boolean;
  /**
   * The model computed with these parameters; more than the model's may be given. Nothing of the model is changed.
   *
   * @throws when a parameter, an input or a random number is missing or of another shape
   */
  apply(params: NamedTfTensors, x: ModelInputs, options?: ApplyOptions): Applied;
  /**
   * The random numbers that a training step on inputs of these shapes needs, by name: float32, of fixed shapes. Empty for
   * a model without dropout and noise. `drawNoise` draws them.
   */
  noise(inputShapes: InputShapes): Readonly<Record<string, NoiseSpec>>;
  /**
   * Writes parameters into the model, so that `predict`, `evaluate`, `fit` and `save` go on from them.
   *
   * @throws when one of the model's is missing, or of another dtype or shape; the model then is what it was
   */
  assign(params: NamedTensors): Promise<void>;
}

/** What a model of layers is trained on: inputs, targets and the step's random numbers, `{}` where it needs none. */
export type TrainingBatch = {
  readonly x: tf.Tensor | { readonly [name: string]: tf.Tensor };
  readonly y: tf.Tensor | { readonly [name: string]: tf.Tensor };
  readonly noise: { readonly [name: string]: tf.Tensor };
};

/** A model of layers, which has its loss with it. */
export interface FunctionalLayersModel extends FunctionalModel {
  /**
   * What `model.fit` minimizes: the losses of `model.compile`, their mean over the batch, and the regularizers' penalties. A
   * loss function for the steps of `@beit/optim`. Outputs: the metrics of `model.compile`, and `updates`.
   *
   * @throws for a model without `model.compile({ loss, ... })`, and for one whose layers write anything in training but
   * moving averages, which the steps would not take over
   */
  loss(params: NamedTfTensors, batch: TrainingBatch): LossAndOutputs & NamedTfTensors;
}
