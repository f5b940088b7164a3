import type { Random } from '@beit/random';
import type { Size } from '@beit/weights';
import type { Adjustment } from '../pixels/adjust';
import type { View } from '../pixels/canvas';
import * as colors from '../pixels/colorOps';
import { type Affine, rotate, shearX, shearY, transform, translateX, translateY } from './affine';

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
  readonly view: Pick<View, 'bytes' | 'adjust'>;
  readonly size: Size;
  /** What comes from outside of the image, 0 to 255. */
  readonly fill: readonly [number, number, number];
}
/** `level` is in [0, 1]; `sign` makes a number negative half of the time. */
type Op = (image: Image, level: number, sign: (x: number) => number) => void;

const moved =
  (affine: (amount: number, size: Size) => Affine, largest: number): Op =>
  ({ view, size, fill }, level, sign) =>
    transform(view.bytes(), size, affine(sign(level * largest), size), fill);
const adjusted =
  (name: Adjustment['name']): Op =>
  ({ view }, level, sign) =>
    view.adjust({ name, factor: enhancement(level, sign) });
const enhancement = (level: number, sign: (x: number) => number) =>
  Math.max(0.1, 1 + sign(level * LARGEST_ENHANCEMENT));

/** The "increasing" set: a larger magnitude changes more. Reference: timm _RAND_INCREASING_TRANSFORMS. */
const OPS: readonly Op[] = [
  ({ view }) => colors.autoContrast(view.bytes()),
  ({ view }) => colors.equalize(view.bytes()),
  ({ view }) => colors.invert(view.bytes()),
  moved(rotate, LARGEST_ANGLE),
  ({ view }, level) => colors.posterize(view.bytes(), 4 - Math.trunc(level * 4)),
  ({ view }, level) => colors.solarize(view.bytes(), 256 - Math.min(256, Math.trunc(level * 256))),
  ({ view }, level) => colors.solarizeAdd(view.bytes(), Math.min(128, Math.trunc(level * 110))),
  adjusted('saturation'),
  adjusted('contrast'),
  adjusted('brightness'),
  ({ view, size }, level, sign) => colors.sharpness(view.bytes(), size.width, enhancement(level, sign)),
  moved(shearX, LARGEST_SHEAR),
  moved(shearY, LARGEST_SHEAR),
  moved((share, size) => translateX(share * size.width), LARGEST_TRANSLATION),
  moved((share, size) => translateY(share * size.height), LARGEST_TRANSLATION),
];

/**
 * Random ops of random strengths on a view, in place.
 * Paper: Cubuk et al., arXiv 1909.13719. Reference: timm data/auto_augment.py.
 *
 * @param image its view is changed
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
