import type { Random } from '@beit/random';
import { between } from '../views/between';

/** Changes of color, each made with a probability of a half. */
export interface PhotometricDistortion {
  /** Largest number added to all channels, of 255. */
  readonly brightness: number;
  /** Range of the factor on all channels. */
  readonly contrast: readonly [number, number];
  /** Range of the factor on saturation. */
  readonly saturation: readonly [number, number];
  /** Largest turn of the hue, degrees. */
  readonly hue: number;
}

/** mmsegmentation's, and so SETR's; its hue of 18 is in steps of 2 degrees. */
export const ADE20K_DISTORTION: PhotometricDistortion = {
  brightness: 32,
  contrast: [0.5, 1.5],
  saturation: [0.5, 1.5],
  hue: 36,
};

/**
 * Changes the colors of pixels, in place: brightness, contrast, saturation, hue, the contrast before or after the others.
 * Reference: mmsegmentation datasets/transforms/transforms.py, PhotoMetricDistortion.
 *
 * @param pixels `[pixels, 4]`: red, green, blue and what stays, 0 to 255
 */
export function distortColors(
  pixels: Uint8Array,
  { brightness, contrast, saturation, hue }: PhotometricDistortion,
  random: Pick<Random, 'uniform'>,
): void {
  const maybe = () => random.uniform() < 0.5;
  const added = maybe() ? between([-brightness, brightness], random) : 0;
  const contrastFirst = maybe();
  const factor = maybe() ? between(contrast, random) : 1;
  const colorFactor = maybe() ? between(saturation, random) : 1;
  const turn = maybe() ? between([-hue, hue], random) : 0;
  const level = (x: number) => Math.min(255, Math.max(0, x));

  const before = Float64Array.from({ length: 256 }, (_, x) =>
    contrastFirst ? level(level(x + added) * factor) : level(x + added),
  );
  const after = (x: number) => (contrastFirst ? x : level(x * factor));
  for (let i = 0; i < pixels.length; i += 4) {
    const rgb: [number, number, number] = [
      before[pixels[i]!]!,
      before[pixels[i + 1]!]!,
      before[pixels[i + 2]!]!,
    ];
    const [r, g, b] = colorFactor === 1 && turn === 0 ? rgb : changeHsv(rgb, colorFactor, turn);
    pixels[i] = Math.round(after(r));
    pixels[i + 1] = Math.round(after(g));
    pixels[i + 2] = Math.round(after(b));
  }
}

/** A color with its saturation multiplied and its hue turned. Channels are 0 to 255. */
function changeHsv(
  [r, g, b]: readonly [number, number, number],
  factor: number,
  degrees: number,
): [number, number, number] {
  const value = Math.max(r, g, b);
  const chroma = value - Math.min(r, g, b);
  if (chroma === 0) return [r, g, b];
  const sector = value === r ? (g - b) / chroma : value === g ? 2 + (b - r) / chroma : 4 + (r - g) / chroma;
  const hue = sector + degrees / 60;
  const spread = value * Math.min(1, (chroma / value) * factor);
  // The distance of a channel's own hue from this one decides how much of the spread is missing.
  const channel = (own: number) => {
    const k = (((own + hue) % 6) + 6) % 6;
    return value - spread * Math.max(0, Math.min(k, 4 - k, 1));
  };
  return [channel(5), channel(3), channel(1)];
}
