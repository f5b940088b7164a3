/**
 * Programs of training: pure functions (state, inputs) -> { state, outputs } for `compile`, or for eager use, where
 * they leave no tensor behind but those that they return.
 */
import { type HostTensor, type NamedTensors, type Step, type Tree, zeros } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { updateEma } from './ema';
import type { Optimizer, OptimizerScalars } from './optimizer';
import { isRunningStatistic, splitStatistics } from './runningStatistics';
import { tidied } from './tidied';
import { type LossAndOutputs, type NamedTfTensors, valueAndGrads } from './valueAndGrads';

/**
 * A differentiable computation on one batch; everything random in it is part of `batch`. Of running statistics of batch
 * normalizations (`....running_mean`, `....running_var` of `params`) it returns the next values, under their names.
 */
export type LossFunction<B, O extends LossAndOutputs> = (params: NamedTfTensors, batch: B) => O;

/** A loss of batches of any form. */
export type TreeLoss = LossFunction<Tree<tf.Tensor>, LossAndOutputs>;

/**
 * A loss as one of batches of any form. Losses differ in what their batches are made of, and what trains them handles all
 * alike: that a batch has the form of the one that it was compiled for, a program checks itself.
 */
export const asTreeLoss = <B>(loss: LossFunction<B, LossAndOutputs>): TreeLoss => loss as unknown as TreeLoss;

/** Parameters, their moments, and where `withEma` keeps it, the moving average of the parameters. */
export type TrainState = {
  params: NamedTfTensors;
  m: NamedTfTensors;
  v: NamedTfTensors;
  ema?: NamedTfTensors;
};

/** The state that a `trainStep` begins with, on the host. */
export function trainState(params: NamedTensors, optimizer: Optimizer) {
  return { params, ...optimizer.init(params) };
}

/**
 * One training step: loss, gradients, clipping, update. What else is in the state stays as it is.
 * Inputs: `batch`, passed to `loss`, and `scalars` of `optimizer.scalars(step, learningRate)`.
 * Outputs: `gradNorm` before clipping, and all that `loss` returns, the loss among it, but for running statistics.
 */
export function trainStep<B, O extends LossAndOutputs, S extends TrainState = TrainState>(
  loss: LossFunction<B, O>,
  optimizer: Optimizer,
): Step<S, { batch: B; scalars: OptimizerScalars<tf.Tensor> }, O & { gradNorm: tf.Tensor }> {
  return (state, { batch, scalars }) =>
    tidied(() => {
      const { params, m, v } = state;
      const { gradients, statistics, outputs } = lossGradients(loss, optimizer, params, batch);
      const { params: next, moments, gradNorm } = optimizer.update(params, gradients, { m, v }, scalars);
      return {
        state: { ...state, params: { ...next, ...statistics }, ...moments },
        outputs: { ...outputs, gradNorm },
      };
    });
}

/**
 * A step that also keeps `ema`, the moving average of its parameters; begin it as a copy of them.
 *
 * @param step leaves what else is in its state as it is, as those of this package do
 */
export function withEma<S extends { params: NamedTfTensors; ema?: NamedTfTensors }, I, O>(
  step: Step<S, I, O>,
  decay: number,
): Step<S, I, O> {
  return (before, inputs) => {
    if (!before.ema) throw new Error('The state has no `ema`; begin it as a copy of the parameters.');
    const { state, outputs } = step(before, inputs);
    return { state: { ...state, ema: updateEma(before.ema, state.params, decay) }, outputs };
  };
}

export type GradientState = { params: NamedTfTensors; gradients: NamedTfTensors };

/** The gradients that a `gradientStep` begins to sum: zeros for the parameters that `optimizer` trains and for running statistics. */
export function zeroGradients(params: NamedTensors, optimizer: Optimizer): Record<string, HostTensor> {
  const moving = Object.entries(params).filter(
    ([name, tensor]) => optimizer.trains(name, tensor) || isRunningStatistic(name),
  );
  return Object.fromEntries(moving.map(([name, { shape }]) => [name, zeros(shape)]));
}

/**
 * The first half of a step, for accumulation over micro-batches and sums over processes: adds `weight` times the
 * gradients of one micro-batch to `gradients` in the state, or begins them anew with it. Where a loss is a mean over items
 * (images, masked patches), their number as the weight makes the sum, divided by the number of all, the gradient of one
 * large batch. What running statistics have for a gradient is their move: they make one a step, the mean of those of its
 * micro-batches. What else is in the state stays as it is.
 * Inputs: `batch`; `weight`, a scalar; `isFirst`, a scalar: whether the sums begin with this micro-batch, above 0 if so.
 * Outputs: all that `loss` returns, but for running statistics.
 */
export function gradientStep<B, O extends LossAndOutputs, S extends GradientState = GradientState>(
  loss: LossFunction<B, O>,
  optimizer: Optimizer,
): Step<S, { batch: B; weight: tf.Tensor; isFirst: tf.Tensor }, O> {
  return (state, { batch, weight, isFirst }) =>
    tidied(() => {
      const { params, gradients: sums } = state;
      const { gradients, statistics, outputs } = lossGradients(loss, optimizer, params, batch);
      const begins = tf.greater(isFirst, 0);
      const next: NamedTfTensors = {};
      const add = (name: string, change: tf.Tensor) => {
        const sum = sums[name];
        if (sum === undefined)
          throw new Error(`The state has no gradient "${name}"; begin with zeroGradients.`);
        // Not a product with zero: what is no number would stay.
        next[name] = tf.add(tf.where(begins, tf.scalar(0), sum), tf.mul(change, weight));
      };
      for (const [name, gradient] of Object.entries(gradients)) add(name, gradient);
      for (const [name, moved] of Object.entries(statistics)) add(name, tf.sub(moved, params[name]!));
      return { state: { ...state, gradients: next }, outputs };
    });
}

/**
 * The second half of a step. Inputs: `scale`, a scalar by which the sums of gradients are multiplied to be means (a product
 * has the same bits wherever it is computed), and `scalars` as in `trainStep`. Outputs: `gradNorm` before clipping. What else is in the state stays as it is.
 */
export function updateStep<S extends TrainState & GradientState = TrainState & GradientState>(
  optimizer: Optimizer,
): Step<S, { scalars: OptimizerScalars<tf.Tensor>; scale: tf.Tensor }, { gradNorm: tf.Tensor }> {
  return (state, { scalars, scale }) =>
    tidied(() => {
      const means = Object.entries(state.gradients).map(([name, sum]) => [name, tf.mul(sum, scale)] as const);
      const { next, gradNorm } = updated(optimizer, state, Object.fromEntries(means), scalars);
      return { state: { ...state, ...next }, outputs: { gradNorm } };
    });
}

/**
 * The second half of a step for a part of the parameters, with the moments of these alone: several processes update a part
 * each. Inputs: the means of its `gradients`, and `gradNorm`, the norm of all gradients, which clipping needs.
 */
export function partialUpdateStep<S extends TrainState = TrainState>(
  optimizer: Optimizer,
): Step<
  S,
  { gradients: NamedTfTensors; scalars: OptimizerScalars<tf.Tensor>; gradNorm: tf.Tensor },
  Record<string, never>
> {
  return (state, { gradients, scalars, gradNorm }) =>
    tidied(() => {
      const { next } = updated(optimizer, state, gradients, scalars, gradNorm as tf.Scalar);
      return { state: { ...state, ...next }, outputs: {} };
    });
}

function updated(
  optimizer: Optimizer,
  { params, m, v }: TrainState,
  gradients: NamedTfTensors,
  scalars: OptimizerScalars<tf.Tensor>,
  norm?: tf.Scalar,
): { next: TrainState; gradNorm: tf.Scalar } {
  const { statistics: moves, rest } = splitStatistics(gradients);
  const { params: trained, moments, gradNorm } = optimizer.update(params, rest, { m, v }, scalars, norm);
  const next = { ...trained };
  for (const [name, move] of Object.entries(moves)) next[name] = tf.add(params[name]!, move);
  return { next: { params: next, ...moments }, gradNorm };
}

function lossGradients<B, O extends LossAndOutputs>(
  loss: LossFunction<B, O>,
  optimizer: Optimizer,
  params: NamedTfTensors,
  batch: B,
): { gradients: NamedTfTensors; statistics: NamedTfTensors; outputs: O } {
  const trained = Object.fromEntries(Object.entries(params).filter(([name, p]) => optimizer.trains(name, p)));
  const result = valueAndGrads((varied) => loss({ ...params, ...varied }, batch), trained);
  const { statistics, rest } = splitStatistics(result.outputs as NamedTfTensors);
  for (const name of Object.keys(params)) {
    if (isRunningStatistic(name) && !(name in statistics)) {
      throw new Error(`The loss did not return the next value of "${name}".`);
    }
  }
  return { gradients: result.gradients, statistics, outputs: { ...rest, loss: result.loss } as unknown as O };
}
