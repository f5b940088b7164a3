import { basename, dirname } from 'node:path';
import { createCanvas, frame, readPixels } from '@beit/data';
import type { Picture } from '@beit/report';
import { messageOf } from '@beit/tensors';
import { type Framing, framedSize, type Size, stretchFraming } from '@beit/weights';

/**
 * A picture, upright, as a model sees it, but for the normalization.
 *
 * @param framingOf from the pixels of the file; makes pictures of one size
 * @param channels 1: it is made gray, in three equal colours
 * @throws with its path when it cannot be read
 */
export async function readPicture(
  path: string,
  framingOf: (file: Size) => Framing,
  channels: 1 | 3,
): Promise<Picture> {
  const source = { kind: 'folder', directory: dirname(path), names: [basename(path)] } as const;
  const pixels = await readPixels(source, 0).catch((cause: unknown) => {
    throw new Error(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  });
  const framing = framingOf(pixels);
  const size = framedSize(framing);
  if (!size) throw new Error(`Cannot show ${path}: its framing makes pictures of different sizes.`);
  const data = new Float32Array(size.width * size.height * 3);
  frame(createCanvas(pixels), framing, channels).normalized([0, 0, 0], [1, 1, 1], data);
  return { ...size, data };
}

/**
 * Nothing of a picture is cut off, and its proportions stay, as far as whole patches let them: the shorter side as given,
 * the longer one rounded to the nearest number of patches.
 *
 * @param shorter pixels, a multiple of `patchSize`
 * @param framing the model's own: its filter, and what is done to transparent pixels
 */
export function wholeFraming(
  { width, height }: Size,
  { shorter, patchSize }: { readonly shorter: number; readonly patchSize: number },
  framing: Framing,
): Framing {
  const side = (own: number) =>
    patchSize * Math.round((own * shorter) / (Math.min(width, height) * patchSize));
  const whole = stretchFraming([side(height), side(width)], framing.resize?.filter);
  return { ...whole, transparency: framing.transparency };
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
