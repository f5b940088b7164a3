import { basename, dirname } from 'node:path';
import { loadViews } from '@beit/data';
import type { Picture } from '@beit/report';
import type { Framing } from '@beit/weights';

/**
 * A picture, upright and on white, as a model sees it, but for the normalization.
 *
 * @throws with its path when it cannot be read
 */
export async function readSquare(path: string, size: number, framing: Framing): Promise<Picture> {
  const source = { kind: 'folder', directory: dirname(path), names: [basename(path)] } as const;
  const { image } = await loadViews(source, 0, {
    imageSize: size,
    tokenImageSize: 0,
    normalization: { mean: [0, 0, 0], std: [1, 1, 1] },
    framing,
  }).catch((cause: Error) => {
    throw new Error(`Cannot read ${path}: ${cause.message}`, { cause });
  });
  return { width: size, height: size, data: image };
}

/** Without smoothing, so that pixels and patches can be told apart. */
export function enlarged({ width, height, data }: Picture, factor: number): Picture {
  const [w, h] = [width * factor, height * factor];
  const result = new Float32Array(w * h * 3);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const from = 3 * (Math.floor(y / factor) * width + Math.floor(x / factor));
      result.set(data.subarray(from, from + 3), 3 * (y * w + x));
    }
  return { width: w, height: h, data: result };
}
