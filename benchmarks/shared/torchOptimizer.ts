import type { AdamWConfig } from '@beit/optim';

/** Options of our AdamW under the names of peer_steps.py. */
export const torchOptimizer = (
  {
    betas,
    epsilon,
    weightDecay,
    clipNorm,
  }: Required<Pick<AdamWConfig, 'betas' | 'epsilon' | 'weightDecay' | 'clipNorm'>>,
  learningRate: number,
) => ({
  betas,
  epsilon,
  weight_decay: weightDecay,
  clip_norm: clipNorm,
  learning_rate: learningRate,
});
