import type { Random } from '@beit/random';

export interface ColorJitter {
  /** Each factor is drawn from [1 - x, 1 + x]. BEiT: 0.4 each, no hue. */
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
}

export const BEIT_COLOR_JITTER: ColorJitter = { brightness: 0.4, contrast: 0.4, saturation: 0.4 };

/** Pillow's gray: L = R * 299/1000 + G * 587/1000 + B * 114/1000. */
const gray = (data: Uint8Array, i: number) => 0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!;
/** Truncated as Pillow's blend does; a clamped array would round. */
const toByte = (x: number) => (x <= 0 ? 0 : x >= 255 ? 255 : x | 0);

/** Pillow's ImageEnhance by a factor, in place; 1 changes nothing. */
export const adjustments: Readonly<Record<keyof ColorJitter, (data: Uint8Array, factor: number) => void>> = {
  brightness(data, factor) {
    for (let i = 0; i < data.length; i++) data[i] = toByte(data[i]! * factor);
  },
  contrast(data, factor) {
    let sum = 0;
    for (let i = 0; i < data.length; i += 3) sum += Math.round(gray(data, i));
    const mean = Math.trunc(sum / (data.length / 3) + 0.5);
    for (let i = 0; i < data.length; i++) data[i] = toByte(mean + factor * (data[i]! - mean));
  },
  saturation(data, factor) {
    for (let i = 0; i < data.length; i += 3) {
      const level = Math.round(gray(data, i));
      for (let c = 0; c < 3; c++) data[i + c] = toByte(level + factor * (data[i + c]! - level));
    }
  },
};

/**
 * Brightness, contrast and saturation by random factors, in random order, in place.
 * Reference: torchvision ColorJitter over Pillow's ImageEnhance.
 *
 * @param data `[pixels, 3]`
 */
export function jitterColors(data: Uint8Array, jitter: ColorJitter, random: Random): void {
  const names = ['brightness', 'contrast', 'saturation'] as const;
  for (const index of random.permutation(names.length)) {
    const name = names[index]!;
    const amount = jitter[name];
    if (amount > 0) adjustments[name](data, random.uniform(Math.max(0, 1 - amount), 1 + amount));
  }
}
