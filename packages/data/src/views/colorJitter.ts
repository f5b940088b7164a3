import type { Random } from '@beit/random';
import type { Adjustment } from '../pixels/adjust';

export interface ColorJitter {
  /** Each factor is drawn from [1 - x, 1 + x]. BEiT: 0.4 each, no hue. */
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
}

export const BEIT_COLOR_JITTER: ColorJitter = { brightness: 0.4, contrast: 0.4, saturation: 0.4 };

/**
 * Brightness, contrast and saturation by random factors, in random order.
 * Reference: torchvision ColorJitter over Pillow's ImageEnhance.
 */
export function drawAdjustments(jitter: ColorJitter, random: Random): Adjustment[] {
  const names = ['brightness', 'contrast', 'saturation'] as const;
  return [...random.permutation(names.length)].flatMap((index) => {
    const name = names[index]!;
    const amount = jitter[name];
    return amount > 0 ? [{ name, factor: random.uniform(Math.max(0, 1 - amount), 1 + amount) }] : [];
  });
}
