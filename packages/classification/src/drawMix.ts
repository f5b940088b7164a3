import type { Random } from '@beit/random';
import { type HostTensor, type ImageSize, imageSides } from '@beit/tensors';
import { drawBeta } from './drawBeta';

export interface MixConfig {
  /** Both parameters of the Beta distribution of mixup's shares; 0 turns it off. BEiT: 0.8. */
  readonly mixupAlpha: number;
  /** The same for the shares of cutmix. BEiT: 1. */
  readonly cutmixAlpha: number;
  /** How often a batch is mixed at all. Default 1. */
  readonly probability?: number;
  /** How often it is cutmix where both are on. Default 0.5. */
  readonly switchProbability?: number;
}

/** How the images of a batch are mixed, each with the one in its mirrored place (the first with the last). */
export interface Mix {
  readonly kind: 'none' | 'mixup' | 'cutmix';
  /** Share of an image's own label, [0, 1]. */
  readonly share: number;
  /** Weights of an image's own pixels, `[1, height, width, 1]`; see `mixImages`. */
  readonly weights: HostTensor;
}

/**
 * Draws mixup or cutmix for a whole batch.
 * Papers: Zhang et al., arXiv 1710.09412; Yun et al., arXiv 1905.04899. Reference: timm data/mixup.py, mode "batch".
 */
export function drawMix(random: Random, imageSize: ImageSize, config: MixConfig): Mix {
  const { mixupAlpha, cutmixAlpha, probability = 1, switchProbability = 0.5 } = config;
  const [height, width] = imageSides(imageSize);
  const weights = new Float32Array(height * width).fill(1);
  const mix = (kind: Mix['kind'], share: number): Mix => ({
    kind,
    share,
    weights: { dtype: 'float32', shape: [1, height, width, 1], data: weights },
  });
  if ((mixupAlpha <= 0 && cutmixAlpha <= 0) || random.uniform() >= probability) return mix('none', 1);

  const cuts = cutmixAlpha > 0 && (mixupAlpha <= 0 || random.uniform() < switchProbability);
  if (!cuts) {
    const share = drawBeta(random, mixupAlpha);
    weights.fill(share);
    return mix('mixup', share);
  }
  const box = drawBox(random, [height, width], drawBeta(random, cutmixAlpha));
  for (let y = box.top; y < box.bottom; y++) {
    weights.fill(0, y * width + box.left, y * width + box.right);
  }
  // What is cut off at the border counts for neither.
  return mix('cutmix', 1 - ((box.bottom - box.top) * (box.right - box.left)) / (height * width));
}

/** `1 - share` of the area, in its proportions, around a random place, as far as it is inside. */
function drawBox(random: Random, [height, width]: readonly [number, number], share: number) {
  const along = (size: number) => {
    const side = Math.floor(size * Math.sqrt(1 - share));
    const center = random.integer(0, size - 1);
    const begin = center - Math.floor(side / 2);
    const inside = (x: number) => Math.min(size, Math.max(0, x));
    return [inside(begin), inside(center + Math.floor(side / 2))] as const;
  };
  const [top, bottom] = along(height);
  const [left, right] = along(width);
  return { top, bottom, left, right };
}
