import { type HostTensor, type NamedTensors, scalar, zeros } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { clipCoefficient, globalNorm } from './clipping';
import type { Optimizer } from './optimizer';
import type { NamedTfTensors } from './valueAndGrads';
import { decaysInBeit } from './weightDecay';

export interface AdamWConfig {
  /** Decay rates of the two moments, [0, 1). Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the bias-corrected second moment. Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled: a parameter is multiplied by 1 - learningRate * weightDecay before each update. Default 0.01, as torch; BEiT 0.05. */
  readonly weightDecay?: number;
  /** Largest global L2 norm of the gradients; larger ones are scaled down to it. Default: no clipping. */
  readonly clipNorm?: number;
  /** Which parameters decay. Default `decaysInBeit`. */
  readonly decays?: (name: string, shape: readonly number[]) => boolean;
  /** Factor on the learning rate, decay included, by name: `layerDecay(...)`. Default 1 everywhere. */
  readonly learningRateScale?: (name: string) => number;
  /** Which parameters are updated at all. Default: all that are float32. */
  readonly trainable?: (name: string) => boolean;
}

/**
 * AdamW as PyTorch computes it. Paper: Loshchilov and Hutter, arXiv 1711.05101, algorithm 2.
 * Reference: torch/optim/adamw.py, torch/nn/utils/clip_grad.py.
 */
export function adamW(config: AdamWConfig = {}): Optimizer {
  const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0.01, clipNorm } = config;
  const { decays = decaysInBeit, learningRateScale = () => 1, trainable = () => true } = config;
  const [beta1, beta2] = betas;
  assertConfig(beta1, beta2, epsilon, clipNorm);

  const trains: Optimizer['trains'] = (name, { dtype }) => dtype === 'float32' && trainable(name);
  const spec = { dtype: 'float32', shape: [] } as const;
  return {
    trains,

    init(params: NamedTensors) {
      const moments = (): Record<string, HostTensor> =>
        Object.fromEntries(
          Object.entries(params)
            .filter(([name, tensor]) => trains(name, tensor))
            .map(([name, { shape }]) => [name, zeros(shape)]),
        );
      return { m: moments(), v: moments() };
    },

    scalarSpecs: { stepSize: spec, epsilon: spec, weightDecay: spec },

    // With bias corrections c1 = 1 - beta1^t and c2 = 1 - beta2^t, torch's update
    //   lr / c1 * m / (sqrt(v) / sqrt(c2) + eps)   equals   (lr * sqrt(c2) / c1) * m / (sqrt(v) + eps * sqrt(c2)),
    // which takes one operation less per parameter.
    scalars(step, learningRate, decay = weightDecay) {
      if (!Number.isSafeInteger(step) || step < 0) {
        throw new RangeError(`Step is ${step}; expected a non-negative integer (0-based).`);
      }
      const correction1 = 1 - beta1 ** (step + 1);
      const correction2 = Math.sqrt(1 - beta2 ** (step + 1));
      return {
        stepSize: scalar((learningRate * correction2) / correction1),
        epsilon: scalar(epsilon * correction2),
        weightDecay: scalar(learningRate * decay),
      };
    },

    update(params, gradients, moments, scalars) {
      return tf.tidy(() => {
        const trained = Object.keys(params).filter((name) => trains(name, params[name]!));
        assertSameNames(trained, gradients, 'gradients');
        assertSameNames(trained, moments.m, 'moments');
        const gradNorm = globalNorm(gradients);
        const clip = clipNorm === undefined ? undefined : clipCoefficient(gradNorm, clipNorm);
        const m: NamedTfTensors = {};
        const v: NamedTfTensors = {};
        const next: NamedTfTensors = { ...params };

        const [decay1, decay2] = [tf.scalar(beta1), tf.scalar(beta2)];
        const [weight1, weight2] = [tf.scalar(1 - beta1), tf.scalar(1 - beta2)];
        const scaled = scalarsByScale(scalars);
        for (const name of trained) {
          // As few different scalars as can be: an engine that makes one kernel of this has room for a dozen operands.
          const gradient = clip ? tf.mul(gradients[name]!, clip) : gradients[name]!;
          m[name] = tf.add(tf.mul(moments.m[name]!, decay1), tf.mul(gradient, weight1));
          v[name] = tf.add(tf.mul(moments.v[name]!, decay2), tf.mul(tf.square(gradient), weight2));

          const { stepSize, keep } = scaled(learningRateScale(name));
          const direction = tf.div(m[name], tf.add(tf.sqrt(v[name]), scalars.epsilon));
          const param = params[name]!;
          const decayed = decays(name, param.shape) ? tf.mul(param, keep) : param;
          next[name] = tf.sub(decayed, tf.mul(direction, stepSize));
        }
        return { params: next, moments: { m, v }, gradNorm };
      });
    },
  };
}

/** Step size and the factor 1 - learningRate * weightDecay for a layer's share of the learning rate, made once per share. */
function scalarsByScale({ stepSize, weightDecay }: { stepSize: tf.Tensor; weightDecay: tf.Tensor }) {
  const made = new Map<number, { stepSize: tf.Tensor; keep: tf.Tensor }>();
  return (scale: number) => {
    const known = made.get(scale);
    if (known) return known;
    const fresh = { stepSize: tf.mul(stepSize, scale), keep: tf.sub(1, tf.mul(weightDecay, scale)) };
    made.set(scale, fresh);
    return fresh;
  };
}

function assertConfig(beta1: number, beta2: number, epsilon: number, clipNorm: number | undefined): void {
  for (const beta of [beta1, beta2]) {
    if (!(beta >= 0 && beta < 1)) throw new RangeError(`betas hold ${beta}; expected numbers in [0, 1).`);
  }
  if (!(epsilon > 0)) throw new RangeError(`epsilon is ${epsilon}; expected a positive number.`);
  if (clipNorm !== undefined && !(clipNorm > 0)) {
    throw new RangeError(
      `clipNorm is ${clipNorm}; expected a positive number, or leave it out for no clipping.`,
    );
  }
}

function assertSameNames(trained: readonly string[], tensors: Readonly<NamedTfTensors>, what: string): void {
  const missing = trained.filter((name) => !(name in tensors));
  const trainedSet = new Set(trained);
  const extra = Object.keys(tensors).filter((name) => !trainedSet.has(name));
  if (missing.length > 0 || extra.length > 0) {
    throw new Error(
      `The ${what} must be those of the trained parameters; missing: ${missing.join(', ') || 'none'}; ` +
        `too many: ${extra.join(', ') || 'none'}.`,
    );
  }
}
