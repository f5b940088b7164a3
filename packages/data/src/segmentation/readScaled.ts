import { join } from 'node:path';
import { channelsOf, type Framing, framedSize, type Normalization } from '@beit/weights';
import { createCanvas } from '../pixels/canvas';
import { decodePixels } from '../pixels/decodePixels';
import { frame } from '../views/frame';
import type { AnnotationOptions } from './labelNumbers';
import { type Annotation, annotationAt } from './readAnnotation';
import { type ImageScale, scaleFactor } from './scale';
import type { SegmentationSource } from './segmentationFolder';

export interface ScaledOptions {
  /** With one number each, images are gray, in one channel. */
  readonly normalization: Normalization;
  /** Left out: the image stays as it is. */
  readonly scale?: ImageScale;
  /** Factors on that size, an image for each. Default [1]; mmsegmentation's for several: 0.5 to 1.75 in quarters. */
  readonly ratios?: readonly number[];
  /** Instead: one image, the whole of it as a model's preprocessing has it. */
  readonly framing?: Framing;
}

export interface ScaledImages {
  /** Pixels of the file, upright. */
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]`, red, green, blue. */
  readonly pixels: Uint8Array;
  /** Normalized, `[height, width, channels]` each, at each ratio. */
  readonly images: readonly {
    readonly height: number;
    readonly width: number;
    readonly data: Float32Array;
  }[];
}

/** A whole image for evaluation, upright, on white. @throws when it is missing, no image, or too large */
export const readScaled = (path: string, options: ScaledOptions): Promise<ScaledImages> =>
  read(path, options, true);

async function read(
  path: string,
  { normalization, scale, ratios = [1], framing }: ScaledOptions,
  upright: boolean,
): Promise<ScaledImages> {
  const { default: sharp } = await import('sharp');
  const { data, width, height, channels } = await decodePixels(path, { upright });
  const pixels =
    channels === 3
      ? data
      : await sharp(data, { raw: { width, height, channels } })
          .flatten({ background: 'white' })
          .raw()
          .toBuffer();
  if (framing)
    return { width, height, pixels, images: [framed(pixels, width, height, framing, normalization)] };
  const source = channelsOf(normalization) === 1 ? gray(pixels, width, height) : pixels;
  const factor = scaleFactor(width, height, scale);
  const scaled = (side: number, ratio: number) => Math.max(1, Math.round(side * factor * ratio));
  const sizes = ratios.map((ratio) => [scaled(width, ratio), scaled(height, ratio)] as const);
  const images = await Promise.all(
    sizes.map(async ([w, h]) => {
      const same = w === width && h === height;
      const resized = same
        ? source
        : await sharp(source, { raw: { width, height, channels: 3 } })
            .resize(w, h, { fit: 'fill', kernel: 'linear' })
            .raw()
            .toBuffer();
      return { width: w, height: h, data: normalized(resized, normalization) };
    }),
  );
  return { width, height, pixels, images };
}

function framed(
  data: Uint8Array,
  width: number,
  height: number,
  framing: Framing,
  normalization: Normalization,
): ScaledImages['images'][number] {
  const size = framedSize(framing);
  if (!size || framing.crop)
    throw new RangeError(
      `The framing is ${JSON.stringify(framing)}; expected one that squeezes the whole image into a size.`,
    );
  const channels = channelsOf(normalization);
  const into = new Float32Array(size.width * size.height * channels);
  const canvas = createCanvas({ data, width, height, channels: 3 });
  frame(canvas, framing, channels).normalized(normalization.mean, normalization.std, into);
  return { ...size, data: into };
}

/** An image of a source with the classes of its pixels. @throws when one is unreadable, or their sizes differ */
export async function readLabelled(
  source: SegmentationSource,
  index: number,
  options: ScaledOptions & { readonly annotation: AnnotationOptions },
): Promise<ScaledImages & Pick<Annotation, 'labels'>> {
  const { images } = source;
  const path = join(images.directory, images.names.at(index)!);
  const { width, height, labels } = await annotationAt(source, index, options.annotation);
  const fits = (image: ScaledImages) => image.width === width && image.height === height;
  const image = await read(path, options, true);
  if (fits(image)) return { ...image, labels };
  // Perhaps the annotation is of a photograph as it is stored, before it is turned.
  const stored = await read(path, options, false);
  if (fits(stored)) return { ...stored, labels };
  throw new Error(
    `'${images.names.at(index)}' has ${image.width}x${image.height} pixels, its annotation '${source.annotations[index]}' ${width}x${height}`,
  );
}

/** `[height, width, 3]`, all three of them gray. */
function gray(data: Uint8Array, width: number, height: number): Uint8Array {
  const canvas = createCanvas({ data, width, height, channels: 3 });
  canvas.makeGray();
  return canvas.bytes().filter((_, i) => i % 4 < 3);
}

/** @param pixels `[pixels, 3]` */
function normalized(pixels: Uint8Array, { mean, std }: Normalization): Float32Array {
  const channels = mean.length;
  const data = new Float32Array((pixels.length / 3) * channels);
  for (let i = 0; i < data.length; i++) {
    const channel = i % channels;
    data[i] = (pixels[Math.floor(i / channels) * 3 + channel]! / 255 - mean[channel]!) / std[channel]!;
  }
  return data;
}
