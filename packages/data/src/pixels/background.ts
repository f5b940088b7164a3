import type { Random } from '@beit/random';
import type { Canvas } from './canvas';
import { drawBackground } from './drawBackground';

/**
 * What shows through transparent pixels. `pastel`: a plain light colour, each channel drawn from the upper 40 percent,
 * so that the empty patches of different pictures are different visual tokens. `textured`: as behind the objects of scenes.
 */
export type Background = 'white' | 'pastel' | 'textured';

const PASTEL_DEPTH = 0.4;

/** Puts the background behind the pixels of a canvas, which keep their opacity: it tells where the object is. */
export function compose(canvas: Canvas, background: Background, random: Random): void {
  put(canvas, drawBehind(canvas, background, random));
}

/** Puts white behind the pixels of a canvas. */
export const overWhite = (canvas: Canvas): void => put(canvas, WHITE);

const WHITE = [255, 255, 255];

function put(canvas: Canvas, behind: ArrayLike<number>): void {
  if (canvas.opaque) return;
  const bytes = canvas.bytes();
  for (let i = 0, j = 0; i < bytes.length; i += 4, j = (j + 3) % behind.length) {
    const opacity = bytes[i + 3]! / 255;
    for (let c = 0; c < 3; c++)
      bytes[i + c] = Math.round(bytes[i + c]! * opacity + behind[j + c]! * (1 - opacity));
  }
}

/** One color for all pixels, or `[height, width, 3]`. */
function drawBehind(
  { width, height, opaque }: Canvas,
  background: Background,
  random: Random,
): ArrayLike<number> {
  switch (background) {
    case 'white':
      return WHITE;
    case 'pastel':
      return [0, 1, 2].map(() => 255 * (1 - PASTEL_DEPTH * random.uniform()));
    case 'textured':
      return opaque ? [0, 0, 0] : drawBackground(width, height, random);
  }
}
