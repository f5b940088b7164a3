import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeShards } from '@beit/data';
import sharp from 'sharp';

/** Three small pictures in a shard. @param folder for the pictures and the shard */
export async function threeInTar(folder: string): Promise<Uint8Array> {
  const names = ['a.png', 'b.png', 'c.png'];
  for (const [i, name] of names.entries()) {
    const background = { r: 90 * i, g: 255 - 90 * i, b: 100 };
    await sharp({ create: { width: 24, height: 18, channels: 3, background } })
      .png()
      .toFile(join(folder, name));
  }
  await writeShards({ directory: folder, prefix: 'all', from: folder, names, labels: [0, 1, 0] });
  return readFile(join(folder, 'all-000000.tar'));
}
