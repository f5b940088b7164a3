/** Pictures in the browser. */
import type { ModelFacts, ModelPicture } from '../model/explorerModel';

/** A square picture for people and for a model. */
export interface Picture extends ModelPicture {
  readonly name: string;
  /** For `<img>`. */
  readonly url: string;
}

/** Pixels along a side of what people see. */
const SHOWN = 448;
/** The largest picture that is taken: more would take much memory for nothing. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * The middle square of a picture file, on white, at a model's sizes.
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
    const shown = squareOf(bitmap, Math.max(SHOWN, facts.imageSize));
    const url = URL.createObjectURL(await shown.convertToBlob());
    return {
      name,
      url,
      encoder: pixelsOf(squareOf(bitmap, facts.imageSize)),
      ...(facts.tokenizer && { tokenizer: pixelsOf(squareOf(bitmap, facts.tokenizer.imageSize)) }),
    };
  } finally {
    bitmap.close();
  }
}

function squareOf(bitmap: ImageBitmap, size: number): OffscreenCanvas {
  const side = Math.min(bitmap.width, bitmap.height);
  const [left, top] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext('2d')!;
  context.fillStyle = 'white';
  context.fillRect(0, 0, size, size);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, left, top, side, side, 0, 0, size, size);
  return canvas;
}

/** `[size, size, 3]` in [0, 1]. */
function pixelsOf(canvas: OffscreenCanvas): Float32Array {
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
  return Float32Array.from(
    { length: (data.length / 4) * 3 },
    (_, i) => data[4 * Math.floor(i / 3) + (i % 3)]! / 255,
  );
}
