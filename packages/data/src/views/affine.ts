import type { Size } from '@beit/weights';

/** `[a, b, c, d, e, f]`: the pixel at (x, y) comes from (a x + b y + c, d x + e y + f), both from the upper left corner. */
export type Affine = readonly [number, number, number, number, number, number];

export const shearX = (factor: number): Affine => [1, factor, 0, 0, 1, 0];
export const shearY = (factor: number): Affine => [1, 0, 0, factor, 1, 0];
export const translateX = (pixels: number): Affine => [1, 0, pixels, 0, 1, 0];
export const translateY = (pixels: number): Affine => [1, 0, 0, 0, 1, pixels];

/** Around the centre, counterclockwise. */
export function rotate(degrees: number, { width, height }: Size): Affine {
  const angle = (-degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [width / 2, height / 2];
  return [cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y];
}

/** The cubic kernel with a = -1, which Pillow transforms with; weights of the pixels before, at, after and after next. */
function cubicWeights(t: number): [number, number, number, number] {
  const [t2, t3] = [t * t, t * t * t];
  return [-t + 2 * t2 - t3, 1 - 2 * t2 + t3, t + t2 - t3, t3 - t2];
}

/**
 * Moves the pixels of a view with a bicubic filter, in place; what comes from outside becomes `fill`, opaque.
 * Reference: Pillow's Image.transform, libImaging/Geometry.c.
 *
 * @param bytes `[height, width, 4]`
 */
export function transform(
  bytes: Uint8Array,
  { width, height }: Size,
  [a, b, c, d, e, f]: Affine,
  fill: readonly [number, number, number],
): void {
  const source = bytes.slice();
  const inside = (i: number, side: number) => Math.min(side - 1, Math.max(0, i));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const target = 4 * (y * width + x);
      // Pixels have their centres at halves.
      const fromX = a * (x + 0.5) + b * (y + 0.5) + c;
      const fromY = d * (x + 0.5) + e * (y + 0.5) + f;
      if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) {
        bytes.set(fill, target);
        bytes[target + 3] = 255;
        continue;
      }
      const [left, top] = [Math.floor(fromX - 0.5), Math.floor(fromY - 0.5)];
      const across = cubicWeights(fromX - 0.5 - left);
      const down = cubicWeights(fromY - 0.5 - top);
      for (let channel = 0; channel < 4; channel++) {
        let sum = 0;
        for (let j = 0; j < 4; j++) {
          const row = width * inside(top - 1 + j, height);
          let along = 0;
          for (let i = 0; i < 4; i++)
            along += across[i]! * source[4 * (row + inside(left - 1 + i, width)) + channel]!;
          sum += down[j]! * along;
        }
        bytes[target + channel] = Math.min(255, Math.max(0, Math.round(sum)));
      }
    }
  }
}
