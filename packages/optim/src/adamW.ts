import { type HostTensor, type NamedTensors, scalar, zeros } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { clipCoefficient, globalNorm } from './clipping';
import type { Optimizer } from './optimizer';
import { pack, packedGroups, unpack } from './packedGroups';
import { isRunningStatistic } from './runningStatistics';
import { type TensorflowKernels, tensorflowKernels } from './tensorflowKernels';
import { tidied } from './tidied';
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
  /** Which parameters are updated at all. Default: all; only what is float32 and no running statistic ever is. */
  readonly trainable?: (name: string) => boolean;
  /**
   * Whether to use TensorFlow's Adam kernel, one pass over memory, where TensorFlow.js runs on it (tfjs-node); small
   * parameters are then updated together. Default true. Elsewhere, and in compiled steps, it makes no difference.
   */
  readonly fused?: boolean;
}

/**
 * AdamW as PyTorch computes it. Paper: Loshchilov and Hutter, arXiv 1711.05101, algorithm 2.
 * Reference: torch/optim/adamw.py, torch/nn/utils/clip_grad.py.
 */
export function adamW(config: AdamWConfig = {}): Optimizer {
  const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0.01, clipNorm } = config;
  const { decays = decaysInBeit, learningRateScale = () => 1, trainable = () => true, fused = true } = config;
  const [beta1, beta2] = betas;
  assertConfig(beta1, beta2, epsilon, clipNorm);

  const trains: Optimizer['trains'] = (name, { dtype }) =>
    dtype === 'float32' && !isRunningStatistic(name) && trainable(name);
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

    update(params, gradients, moments, scalars, givenNorm) {
      return tf.tidy(() => {
        const trained = Object.keys(params).filter((name) => trains(name, params[name]!));
        assertSameNames(trained, gradients, 'gradients');
        assertSameNames(trained, moments.m, 'moments');
        const kernels = fused ? tensorflowKernels() : undefined;
        const gradNorm = givenNorm ?? globalNorm(gradients);
        const clip = clipNorm === undefined ? undefined : clipCoefficient(gradNorm, clipNorm);
        const rates = { beta1, beta2, epsilon: scalars.epsilon, clip };
        const rule = kernels ? fusedRule(kernels, rates) : composedRule(rates);
        const groups = kernels
          ? packedGroups(
              params,
              trained,
              (name) => `${decays(name, params[name]!.shape)} ${learningRateScale(name)}`,
            )
          : trained.map((name) => [name]);
        const scaled = scalarsByScale(scalars);
        const m: NamedTfTensors = {};
        const v: NamedTfTensors = {};
        const next: NamedTfTensors = { ...params };
        for (const group of groups) {
          const first = group[0]!;
          const { stepSize, keep } = scaled(learningRateScale(first));
          const decay = decays(first, params[first]!.shape) ? keep : undefined;
          const moved = tidied(() => {
            const [param, gradient, m, v] = [params, gradients, moments.m, moments.v].map((all) =>
              pack(all, group),
            );
            const result = rule({ param: param!, gradient: gradient!, m: m!, v: v! }, stepSize, decay);
            return {
              param: unpack(result.param, group, params),
              m: unpack(result.m, group, params),
              v: unpack(result.v, group, params),
            };
          });
          Object.assign(next, moved.param);
          Object.assign(m, moved.m);
          Object.assign(v, moved.v);
        }
        return { params: next, moments: { m, v }, gradNorm };
      });
    },
  };
}

interface Tensors {
  readonly param: tf.Tensor;
  readonly m: tf.Tensor;
  readonly v: tf.Tensor;
}
/** Moves one parameter. `keep`: the factor 1 - learningRate * weightDecay, where it decays. */
type Rule = (
  tensors: Tensors & { readonly gradient: tf.Tensor },
  stepSize: tf.Tensor,
  keep: tf.Tensor | undefined,
) => Tensors;
interface Rates {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: tf.Tensor;
  /** What the gradients are multiplied by. */
  readonly clip: tf.Tensor | undefined;
}

/** The update in TensorFlow.js's ops, for any backend and for compiling. */
function composedRule({ beta1, beta2, epsilon, clip }: Rates): Rule {
  const [decay1, decay2] = [tf.scalar(beta1), tf.scalar(beta2)];
  // The factor of clipping is in the gradient's weight in m, and that in v follows from it: as few scalars that are no
  // constants as can be, since an engine that makes one kernel of this has room for eleven operands.
  const weight = clip ? tf.mul(clip, 1 - beta1) : tf.scalar(1 - beta1);
  const rest = Math.sqrt(1 - beta2) / (1 - beta1);
  return ({ param, gradient, m, v }, stepSize, keep) => {
    const weighted = tf.mul(gradient, weight);
    const nextM = tf.add(tf.mul(m, decay1), weighted);
    const nextV = tf.add(tf.mul(v, decay2), tf.square(tf.mul(weighted, rest)));
    const direction = tf.div(nextM, tf.add(tf.sqrt(nextV), epsilon));
    const decayed = keep ? tf.mul(param, keep) : param;
    return { param: tf.sub(decayed, tf.mul(direction, stepSize)), m: nextM, v: nextV };
  };
}

/** The update as one kernel. It takes 1 - beta in float32, so that v agrees with the other rule to 2e-5 only. */
function fusedRule(kernels: TensorflowKernels, { beta1, beta2, epsilon, clip }: Rates): Rule {
  const rates = { beta1: tf.scalar(beta1), beta2: tf.scalar(beta2), epsilon };
  // Eagerly a number is there to be read, and most steps need no pass over the gradients for clipping.
  const clips = clip !== undefined && clip.dataSync()[0]! < 1;
  return ({ param, gradient, m, v }, stepSize, keep) => {
    const own = keep ? tf.mul(param, keep) : tf.clone(param);
    const clipped = clips ? tf.mul(gradient, clip!) : gradient;
    return kernels.applyAdam(own, m, v, clipped, { ...rates, stepSize });
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
