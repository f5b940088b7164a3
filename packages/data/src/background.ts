import type { Random } from '@beit/random';
import type { Pixels } from './pixels';

/**
 * What shows through transparent pixels. `pastel`: a plain light colour, each channel drawn from the upper 40 percent,
 * so that the empty patches of different pictures are different visual tokens.
 */
export type Background = 'white' | 'pastel';

const PASTEL_DEPTH = 0.4;

/** Opaque pixels, `[height * width, 3]`; always a copy. */
export function compose({ data, channels }: Pixels, background: Background, random: Random): Uint8Array {
  const color = [0, 1, 2].map(() => 255 * (background === 'white' ? 1 : 1 - PASTEL_DEPTH * random.uniform()));
  if (channels === 3) return data.slice();
  const result = new Uint8Array((data.length / 4) * 3);
  for (let i = 0, o = 0; i < data.length; i += 4, o += 3) {
    const opacity = data[i + 3]! / 255;
    for (let c = 0; c < 3; c++)
      result[o + c] = Math.round(data[i + c]! * opacity + color[c]! * (1 - opacity));
  }
  return result;
}
