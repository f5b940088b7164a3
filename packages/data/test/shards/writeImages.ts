import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** Images of plain colours: number `i` is of the color `colorOf(i)`. */
export async function writeImages(folder: string, names: readonly string[]): Promise<void> {
  for (const [i, name] of names.entries()) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    const [r, g, b] = colorOf(i);
    await sharp({ create: { width: 20, height: 16, channels: 3, background: { r, g, b } } }).toFile(path);
  }
}

export const colorOf = (i: number) => [(i * 37) % 256, 255 - ((i * 11) % 256), (i * 91) % 256] as const;
