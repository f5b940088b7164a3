import type { Random } from '@beit/random';
import type { Canvas } from './canvas';

/**
 * What shows through transparent pixels. `pastel`: a plain light colour, each channel drawn from the upper 40 percent,
 * so that the empty patches of different pictures are different visual tokens.
 */
export type Background = 'white' | 'pastel';

const PASTEL_DEPTH = 0.4;

/** Puts the background behind the pixels of a canvas, which keep their opacity: it tells where the object is. */
export function compose(canvas: Canvas, background: Background, random: Random): void {
  const color = [0, 1, 2].map(() => 255 * (background === 'white' ? 1 : 1 - PASTEL_DEPTH * random.uniform()));
  if (canvas.opaque) return;
  const bytes = canvas.bytes();
  for (let i = 0; i < bytes.length; i += 4) {
    const opacity = bytes[i + 3]! / 255;
    for (let c = 0; c < 3; c++)
      bytes[i + c] = Math.round(bytes[i + c]! * opacity + color[c]! * (1 - opacity));
  }
}
