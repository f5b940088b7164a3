import type { Color } from './ade20k';

/**
 * A colour for each class, far apart in hue, that people with any colour vision tell by lightness too: steps of the golden
 * angle around the circle, on three lightnesses in turn.
 */
export function createPalette(numClasses: number): Color[] {
  return Array.from({ length: numClasses }, (_, i) =>
    fromHsl((i * 137.508) % 360, 0.75, [0.45, 0.65, 0.3][i % 3]!),
  );
}

/**
 * Classes as a picture.
 *
 * @param classes `[height, width]`, any number of pixels; a class without a colour, 255 for instance, is black
 * @returns `[height, width, 3]`, red, green and blue
 */
export function colorClasses(classes: ArrayLike<number>, palette: readonly Color[]): Uint8Array {
  const pixels = new Uint8Array(classes.length * 3);
  for (let i = 0; i < classes.length; i++) {
    const color = palette[classes[i]!];
    if (color) pixels.set(color, i * 3);
  }
  return pixels;
}

/**
 * Classes laid over their picture.
 *
 * @param pixels `[height, width, 3]`, red, green and blue
 * @param classes `[height, width]`; where there is no colour for a class, 255 for instance, the picture stays
 * @param opacity of the classes, [0, 1]. Default 0.5, as in mmsegmentation
 * @throws RangeError for another number of pixels
 */
export function overlayClasses(
  pixels: Uint8Array,
  classes: ArrayLike<number>,
  palette: readonly Color[],
  opacity = 0.5,
): Uint8Array {
  if (pixels.length !== classes.length * 3) {
    throw new RangeError(`${classes.length} classes for ${pixels.length / 3} pixels; expected as many.`);
  }
  return pixels.map((value, i) => {
    const color = palette[classes[Math.floor(i / 3)]!];
    return color ? Math.round(value + opacity * (color[i % 3]! - value)) : value;
  });
}

/** Hue in degrees, saturation and lightness in [0, 1]. */
function fromHsl(hue: number, saturation: number, lightness: number): Color {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
