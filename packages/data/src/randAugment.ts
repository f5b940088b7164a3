import type { Random } from '@beit/random';
import { type Affine, rotate, shearX, shearY, transform, translateX, translateY } from './affine';
import * as colors from './colorOps';

/** RandAugment as timm's policies `rand-m9-mstd0.5-inc1` describe it. */
export interface RandAugment {
  /** How many ops an image goes through, each with a probability of a half. */
  readonly ops: number;
  /** Strength, 0 to 10. BEiT: 9. */
  readonly magnitude: number;
  /** Standard deviation of the strength, drawn for each op. BEiT: 0.5. */
  readonly magnitudeStd: number;
}

/** BEiT's and DeiT's, `rand-m9-mstd0.5-inc1`. */
export const BEIT_RAND_AUGMENT: RandAugment = { ops: 2, magnitude: 9, magnitudeStd: 0.5 };

const LARGEST_MAGNITUDE = 10;
const OP_PROBABILITY = 0.5;
/** Shares of 1: a colour factor goes from 0.1 to 1.9, a shear to 0.3, a translation to 0.45 of the side. */
const [LARGEST_ENHANCEMENT, LARGEST_SHEAR, LARGEST_TRANSLATION, LARGEST_ANGLE] = [0.9, 0.3, 0.45, 30];

interface Image {
  /** `[size, size, 4]`; changed. */
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly fill: readonly [number, number, number];
}
/** `level` is in [0, 1]; `sign` makes a number negative half of the time. */
type Op = (image: Image, level: number, sign: (x: number) => number) => void;

const moved =
  (affine: (amount: number, size: number) => Affine, largest: number): Op =>
  ({ bytes, size, fill }, level, sign) =>
    transform(bytes, size, affine(sign(level * largest), size), fill);
const enhancement = (level: number, sign: (x: number) => number) =>
  Math.max(0.1, 1 + sign(level * LARGEST_ENHANCEMENT));

/** The "increasing" set: a larger magnitude changes more. Reference: timm _RAND_INCREASING_TRANSFORMS. */
const OPS: readonly Op[] = [
  ({ bytes }) => colors.autoContrast(bytes),
  ({ bytes }) => colors.equalize(bytes),
  ({ bytes }) => colors.invert(bytes),
  moved(rotate, LARGEST_ANGLE),
  ({ bytes }, level) => colors.posterize(bytes, 4 - Math.trunc(level * 4)),
  ({ bytes }, level) => colors.solarize(bytes, 256 - Math.min(256, Math.trunc(level * 256))),
  ({ bytes }, level) => colors.solarizeAdd(bytes, Math.min(128, Math.trunc(level * 110))),
  ({ bytes }, level, sign) => colors.color(bytes, enhancement(level, sign)),
  ({ bytes }, level, sign) => colors.contrast(bytes, enhancement(level, sign)),
  ({ bytes }, level, sign) => colors.brightness(bytes, enhancement(level, sign)),
  ({ bytes, size }, level, sign) => colors.sharpness(bytes, size, enhancement(level, sign)),
  moved(shearX, LARGEST_SHEAR),
  moved(shearY, LARGEST_SHEAR),
  moved((share, size) => translateX(share * size), LARGEST_TRANSLATION),
  moved((share, size) => translateY(share * size), LARGEST_TRANSLATION),
];

/**
 * Random ops of random strengths on a view, in place.
 * Paper: Cubuk et al., arXiv 1909.13719. Reference: timm data/auto_augment.py.
 *
 * @param image its `bytes` are changed
 */
export function applyRandAugment(image: Image, policy: RandAugment, random: Random): void {
  const sign = (x: number) => (random.uniform() < 0.5 ? x : -x);
  for (let i = 0; i < policy.ops; i++) {
    const op = OPS[random.integer(0, OPS.length - 1)]!;
    if (random.uniform() >= OP_PROBABILITY) continue;
    const magnitude = random.normal(policy.magnitude, policy.magnitudeStd);
    op(image, Math.min(1, Math.max(0, magnitude / LARGEST_MAGNITUDE)), sign);
  }
}
