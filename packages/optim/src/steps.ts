/**
 * Programs of training: pure functions (state, inputs) -> { state, outputs } for `compile`, or for eager use, where
 * they leave no tensor behind but those that they return.
 */
import { type HostTensor, type NamedTensors, zeros } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { updateEma } from './ema';
import type { Optimizer, OptimizerScalars } from './optimizer';
import { isRunningStatistic, splitStatistics } from './runningStatistics';
import { tidied } from './tidied';
import { type LossAndOutputs, type NamedTfTensors, valueAndGrads } from './valueAndGrads';

type Tensors = tf.Tensor | { readonly [name: string]: Tensors };

/**
 * A differentiable computation on one batch; everything random in it is part of `batch`. Of running statistics of batch
 * normalizations (`....running_mean`, `....running_var` of `params`) it returns the next values, under their names.
 */
export type LossFunction<B, O extends LossAndOutputs> = (params: NamedTfTensors, batch: B) => O;

export type TrainState = { params: NamedTfTensors; m: NamedTfTensors; v: NamedTfTensors };

/** State and inputs to the next state and outputs; the form that `@beit/compile` takes. */
export type Step<S, I, O> = (state: S, inputs: I) => { state: S; outputs: O };

/** The state that a `trainStep` begins with, on the host. */
export function trainState(params: NamedTensors, optimizer: Optimizer) {
  return { params, ...optimizer.init(params) };
}

/**
 * One training step: loss, gradients, clipping, update.
 * Inputs: `batch`, passed to `loss`, and `scalars` of `optimizer.scalars(step, learningRate)`.
 * Outputs: `gradNorm` before clipping, and all that `loss` returns, the loss among it, but for running statistics.
 */
export function trainStep<B extends Tensors, O extends LossAndOutputs>(
  loss: LossFunction<B, O>,
  optimizer: Optimizer,
): Step<TrainState, { batch: B; scalars: OptimizerScalars<tf.Tensor> }, O & { gradNorm: tf.Tensor }> {
  return ({ params, m, v }, { batch, scalars }) =>
    tidied(() => {
      const { gradients, statistics, outputs } = lossGradients(loss, optimizer, params, batch);
      const { params: next, moments, gradNorm } = optimizer.update(params, gradients, { m, v }, scalars);
      return { state: { params: { ...next, ...statistics }, ...moments }, outputs: { ...outputs, gradNorm } };
    });
}

/** A step that also keeps `ema`, the moving average of its parameters; begin it as a copy of them. */
export function withEma<S extends { params: NamedTfTensors }, I, O>(
  step: Step<S, I, O>,
  decay: number,
): Step<S & { ema: NamedTfTensors }, I, O> {
  return ({ ema, ...rest }, inputs) => {
    const { state, outputs } = step(rest as unknown as S, inputs);
    return { state: { ...state, ema: updateEma(ema, state.params, decay) }, outputs };
  };
}

export type GradientState = { params: NamedTfTensors; gradients: NamedTfTensors };

/**
 * The state that a `gradientStep` begins with: `params`, and zeros for those that `optimizer` trains and for running
 * statistics.
 */
export function gradientState(params: NamedTensors, optimizer: Optimizer) {
  const moving = Object.entries(params).filter(
    ([name, tensor]) => optimizer.trains(name, tensor) || isRunningStatistic(name),
  );
  const gradients: Record<string, HostTensor> = Object.fromEntries(
    moving.map(([name, { shape }]) => [name, zeros(shape)]),
  );
  return { params, gradients };
}

/**
 * The first half of a step, for accumulation over micro-batches and sums over processes: adds `weight` times the
 * gradients of one micro-batch to `gradients` in the state. With k micro-batches of equal size `weight` is 1 / k; where
 * a loss is a mean over a number of items that varies (masked patches), the share of the items makes the sum that of
 * one large batch. What running statistics have for a gradient is their move: they make one a step, the mean of those of
 * its micro-batches. Inputs: `batch`, `weight` (a scalar). Outputs: all that `loss` returns, but for running statistics.
 */
export function gradientStep<B extends Tensors, O extends LossAndOutputs>(
  loss: LossFunction<B, O>,
  optimizer: Optimizer,
): Step<GradientState, { batch: B; weight: tf.Tensor }, O> {
  return ({ params, gradients: sums }, { batch, weight }) =>
    tidied(() => {
      const { gradients, statistics, outputs } = lossGradients(loss, optimizer, params, batch);
      const next: NamedTfTensors = {};
      for (const [name, gradient] of Object.entries(gradients)) {
        next[name] = tf.add(sums[name]!, tf.mul(gradient, weight));
      }
      for (const [name, moved] of Object.entries(statistics)) {
        next[name] = tf.add(sums[name]!, tf.mul(tf.sub(moved, params[name]!), weight));
      }
      return { state: { params, gradients: next }, outputs };
    });
}

/**
 * The second half of a step. Inputs: `gradients`, those of `gradientState`, and `scalars` as in `trainStep`.
 * Outputs: `gradNorm` before clipping, and `params` again, for the first half's state.
 */
export function updateStep(
  optimizer: Optimizer,
): Step<
  TrainState,
  { gradients: NamedTfTensors; scalars: OptimizerScalars<tf.Tensor> },
  { gradNorm: tf.Tensor; params: NamedTfTensors }
> {
  return (state, { gradients, scalars }) => {
    const { next, gradNorm } = updated(optimizer, state, gradients, scalars);
    return { state: next, outputs: { gradNorm, params: next.params } };
  };
}

/**
 * `updateStep` for a part of the parameters, with the moments of these alone: several processes update a part each.
 * Clipping needs the norm of all gradients, which is an input here, `gradNorm`. Outputs: `params` of the part.
 */
export function partialUpdateStep(
  optimizer: Optimizer,
): Step<
  TrainState,
  { gradients: NamedTfTensors; scalars: OptimizerScalars<tf.Tensor>; gradNorm: tf.Tensor },
  { params: NamedTfTensors }
> {
  return (state, { gradients, scalars, gradNorm }) => {
    const { next } = updated(optimizer, state, gradients, scalars, gradNorm as tf.Scalar);
    return { state: next, outputs: { params: next.params } };
  };
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
