import { type Optimizer, type OptimizerScalars, trainStep } from '@beit/optim';
import type * as tf from '@tensorflow/tfjs';
import type { MaskedPositions, Mim, MimOutputs, TensorParams } from './createMim';

/** Images to visual tokens: `[batch, height, width, 3]` to `[batch, patches]` int32. Frozen. */
export type Tokenize = (tokenizer: TensorParams, tokenImages: tf.Tensor) => tf.Tensor;

type Tensors = Record<string, tf.Tensor>;
export type PretrainState = { params: Tensors; m: Tensors; v: Tensors; tokenizer: Tensors };

/** One batch of views. */
export type PretrainBatch = {
  /** Normalized, for the encoder, `[batch, imageSize, imageSize, 3]`. */
  images: tf.Tensor;
  /** The same crops for the tokenizer. */
  tokenImages: tf.Tensor;
  masked: MaskedPositions;
  /** `[depth, 2, batch]`; left out when the model drops no paths. */
  dropPathKeeps?: tf.Tensor;
};
export type PretrainInputs = { batch: PretrainBatch; scalars: OptimizerScalars<tf.Tensor> };

/** The loss of one batch with the tokens that the frozen tokenizer gives, for `trainStep` or `gradientStep`. */
export const pretrainLoss =
  (mim: Mim, tokenize: Tokenize) =>
  (
    params: TensorParams,
    tokenizer: TensorParams,
    { images, tokenImages, masked, dropPathKeeps }: PretrainBatch,
  ): MimOutputs & Record<string, tf.Tensor> => ({
    ...mim.loss(params, images, tokenize(tokenizer, tokenImages), masked, dropPathKeeps),
  });

/**
 * One step of pre-training, tokenizing included: `(state, inputs) => { state, outputs }` for `compile`. The
 * tokenizer's parameters are part of the state, unchanged. Outputs: `loss`, `mimAccuracy`, `gradNorm`.
 */
export function pretrainStep(mim: Mim, optimizer: Optimizer, tokenize: Tokenize) {
  const loss = pretrainLoss(mim, tokenize);
  return ({ tokenizer, ...trained }: PretrainState, { batch, scalars }: PretrainInputs) => {
    const step = trainStep<PretrainBatch & Record<string, tf.Tensor>, MimOutputs & Record<string, tf.Tensor>>(
      (params, inputs) => loss(params, tokenizer, inputs),
      optimizer,
    );
    const { state, outputs } = step(trained, {
      batch: batch as PretrainBatch & Record<string, tf.Tensor>,
      scalars,
    });
    return { state: { ...state, tokenizer }, outputs };
  };
}
