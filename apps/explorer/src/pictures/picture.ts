/** Pictures in the browser. */
import type { ModelFacts, ModelPicture } from '../model/explorerModel';

/** A picture for people and for a model, of the model's proportions. */
export interface Picture extends ModelPicture {
  readonly name: string;
  /** For `<img>`. */
  readonly url: string;
}

/** Pixels along the longer side of what people see, at least. */
const SHOWN = 448;
/** The largest picture that is taken: more would take much memory for nothing. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * The middle of a picture file, on white, at a model's sizes.
 *
 * @throws when the browser can't read it as a picture
 */
export async function readPicture(file: Blob, name: string, facts: ModelFacts): Promise<Picture> {
  if (file.size > MOST_BYTES) throw new Error(`${name} has more than 64 MiB. Give a smaller picture.`);
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(
      `${name} is not a picture that this browser can read. PNG, JPEG, WebP, AVIF and GIF are.`,
    );
  });
  try {
    const [height, width] = facts.imageSize;
    const factor = Math.max(1, SHOWN / Math.max(height, width));
    const shown = middleOf(bitmap, [Math.round(height * factor), Math.round(width * factor)]);
    const url = URL.createObjectURL(await shown.convertToBlob());
    return {
      name,
      url,
      encoder: pixelsOf(middleOf(bitmap, facts.imageSize)),
      ...(facts.tokenizer && { tokenizer: pixelsOf(middleOf(bitmap, facts.tokenizer.imageSize)) }),
    };
  } finally {
    bitmap.close();
  }
}

function middleOf(bitmap: ImageBitmap, [height, width]: readonly [number, number]): OffscreenCanvas {
  const scale = Math.min(bitmap.width / width, bitmap.height / height);
  const [w, h] = [width * scale, height * scale];
  const [left, top] = [(bitmap.width - w) / 2, (bitmap.height - h) / 2];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d')!;
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, left, top, w, h, 0, 0, width, height);
  return canvas;
}

/** `[height, width, 3]` in [0, 1]. */
function pixelsOf(canvas: OffscreenCanvas): Float32Array {
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
  return Float32Array.from(
    { length: (data.length / 4) * 3 },
    (_, i) => data[4 * Math.floor(i / 3) + (i % 3)]! / 255,
  );
}
