import { join } from 'node:path';
import { createRandom, type Random } from '@beit/random';
import sharp from 'sharp';

export const PHOTOGRAPH = { width: 500, height: 375, quality: 92 };

/**
 * JPEG files that cost as much as photographs do: of the mean size of ImageNet's, 500 x 375, and with as much detail at
 * every scale, as natural images have (Field, 1987), which makes files of about 90 kB.
 */
export async function writePhotographs(folder: string, count: number): Promise<void> {
  const { width, height, quality } = PHOTOGRAPH;
  for (let i = 0; i < count; i++) {
    const pixels = Uint8ClampedArray.from(octaves(width, height, createRandom('photograph', i)));
    const image = sharp(pixels, { raw: { width, height, channels: 3 } });
    await image.jpeg({ quality }).toFile(join(folder, `${i}.jpg`));
  }
}

const CONTRAST = 22;
/** Colours vary less than brightness. */
const COLOURFULNESS = 0.35;

/** Noise of equal strength at every octave, `[height, width, 3]` around 128: random grids, interpolated. */
function octaves(width: number, height: number, random: Random): Float32Array {
  const sum = new Float32Array(width * height * 3).fill(128);
  for (let cell = 256; cell >= 2; cell /= 2) {
    const columns = Math.ceil(width / cell) + 1;
    const rows = Math.ceil(height / cell) + 1;
    const grid = new Float32Array(columns * rows * 3);
    for (let at = 0; at < grid.length; at += 3) {
      const gray = random.normal();
      for (let c = 0; c < 3; c++) grid[at + c] = CONTRAST * (gray + COLOURFULNESS * random.normal());
    }
    for (let y = 0, out = 0; y < height; y++) {
      const row = Math.floor(y / cell);
      const down = y / cell - row;
      for (let x = 0; x < width; x++) {
        const column = Math.floor(x / cell);
        const right = x / cell - column;
        const above = 3 * (row * columns + column);
        const below = above + 3 * columns;
        for (let c = 0; c < 3; c++, out++) {
          const upper = grid[above + c]! * (1 - right) + grid[above + 3 + c]! * right;
          const lower = grid[below + c]! * (1 - right) + grid[below + 3 + c]! * right;
          sum[out]! += upper * (1 - down) + lower * down;
        }
      }
    }
  }
  return sum;
}
