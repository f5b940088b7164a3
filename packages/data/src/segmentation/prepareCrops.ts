import { createRandom, type Random } from '@beit/random';
import { type ImageSize, imageSides } from '@beit/tensors';
import { channelsOf, type Size } from '@beit/weights';
import { eachReadable, type Unreadable } from '../loading/eachReadable';
import { readPixels } from '../loading/readPixels';
import { withCanvas } from '../loading/withCanvas';
import { compose } from '../pixels/background';
import { type Canvas, createCanvas } from '../pixels/canvas';
import type { Box } from '../pixels/pixels';
import { between } from '../views/between';
import { levelsOf, type Normalization } from '../views/twoViews';
import { type AnnotationOptions, IGNORE_INDEX } from './labelNumbers';
import { distortColors, type PhotometricDistortion } from './photometricDistortion';
import { type Annotation, annotationAt } from './readAnnotation';
import { type ImageScale, scaleFactor } from './scale';
import type { SegmentationSource } from './segmentationFolder';

export interface CropOptions {
  /** Pixels. ADE20K: 512. */
  readonly cropSize: ImageSize;
  /** What images are resized to before anything else. ADE20K: [2048, 512]. Left out: they stay as they are. */
  readonly scale?: ImageScale;
  /** Drawn for each image, and times its size. ADE20K: [0.5, 2]. */
  readonly ratio: readonly [number, number];
  /** A crop of which one class has a larger share is drawn again, up to ten times. ADE20K: 0.75. */
  readonly categoryMaxRatio: number;
  /** Probability of mirroring. */
  readonly flip: number;
  readonly distortion?: PhotometricDistortion;
  /** With one number each, crops are gray, in one channel. */
  readonly normalization: Normalization;
}

/** What a crop is made by; plain data, so that a worker thread can take it. */
export interface CropRecipe {
  readonly seed: number;
  readonly crops: CropOptions;
  readonly annotation: AnnotationOptions;
}

/** Crops one after the other in arrays of their own. */
export interface Crops {
  /** `[crops, height, width, channels]`, normalized; 0, the mean color, beyond the image. */
  readonly images: Float32Array;
  /** `[crops, height, width]`: a class or 255, and 255 beyond the image. */
  readonly labels: Int32Array;
  /** Which images they are of. */
  readonly indices: number[];
  readonly names: string[];
}

const ATTEMPTS = 10;

/** Some crops of one epoch; see `prepareSamples`. */
export async function prepareCrops(
  source: SegmentationSource,
  { seed, crops, annotation: options }: CropRecipe,
  epoch: number,
  wanted: readonly number[],
  reused?: Crops,
): Promise<{ samples: Crops; unreadable: Unreadable[] }> {
  const { images } = source;
  const [height, width] = imageSides(crops.cropSize);
  const size = height * width;
  const channels = channelsOf(crops.normalization);
  const all = {
    images: reused?.images ?? new Float32Array(wanted.length * size * channels),
    labels: reused?.labels ?? new Int32Array(wanted.length * size),
  };
  const { indices, names, unreadable } = await eachReadable(
    images.names,
    { seed, epoch },
    wanted,
    async (index, sample, i) => {
      const into = {
        image: all.images.subarray(i * size * channels, (i + 1) * size * channels),
        labels: all.labels.subarray(i * size, (i + 1) * size),
      };
      const annotation = await annotationAt(source, index, options);
      const cropFrom = (canvas: Canvas) => {
        if (canvas.width !== annotation.width || canvas.height !== annotation.height) return false;
        drawCrop(canvas, annotation, crops, createRandom(seed, epoch, sample, 'crop'), into);
        return true;
      };
      if (await withCanvas(images, index, cropFrom)) return;
      // Perhaps the annotation is of a photograph as it is stored, before it is turned.
      const { width, height, ...pixels } = await readPixels(images, index, { upright: false });
      if (!cropFrom(createCanvas({ width, height, ...pixels }))) {
        throw new Error(
          `the image has ${width}x${height} pixels, its annotation '${source.annotations[index]}' ${annotation.width}x${annotation.height}`,
        );
      }
    },
  );
  return { samples: { ...all, indices, names }, unreadable };
}

interface Crop {
  readonly image: Float32Array;
  readonly labels: Int32Array;
}

/**
 * Resizes, crops, mirrors, changes colors, normalizes, fills up: ADE20K's protocol. The crop is cut out of the image first
 * and resized then, which comes to the same: its sides in the image are whole numbers of pixels, so that the ratio is
 * rounded. Reference: mmsegmentation configs/_base_/datasets/ade20k.py.
 */
function drawCrop(
  canvas: Canvas,
  { labels }: Annotation,
  { cropSize, scale, ratio, categoryMaxRatio, flip, distortion, normalization }: CropOptions,
  random: Random,
  into: Crop,
): void {
  const { width, height } = canvas;
  const factor = scaleFactor(width, height, scale) * between(ratio, random);
  const [rows, columns] = imageSides(cropSize);
  const side = (pixels: number) => Math.max(1, Math.round(pixels / factor));
  const size = { width: side(columns), height: side(rows) };
  const mirrored = random.uniform() < flip;
  const sources = sourcesOf(size, [rows, columns], mirrored);
  const draw = () => ({
    left: random.integer(0, Math.max(0, width - size.width)),
    top: random.integer(0, Math.max(0, height - size.height)),
  });
  const cutLabels = ({ left, top }: ReturnType<typeof draw>) => {
    const counts = new Uint32Array(IGNORE_INDEX + 1);
    for (let y = 0; y < rows; y++) {
      const row = top + sources.down[y]!;
      for (let x = 0; x < columns; x++) {
        const column = left + sources.across[x]!;
        const label = row < height && column < width ? labels[row * width + column]! : IGNORE_INDEX;
        into.labels[y * columns + x] = label;
        counts[label]!++;
      }
    }
    return isVaried(counts.subarray(0, IGNORE_INDEX), categoryMaxRatio);
  };
  let place = draw();
  for (let attempt = 0; !cutLabels(place) && attempt < ATTEMPTS; attempt++) place = draw();

  compose(canvas, 'white', random);
  if (channelsOf(normalization) === 1) canvas.makeGray();
  const inside = place.left + size.width <= width && place.top + size.height <= height;
  const [whole, box] = inside
    ? [canvas, { ...place, ...size }]
    : [padded(canvas, place, size, normalization), { left: 0, top: 0, ...size }];
  const view = whole.view(box, cropSize, 'bilinear', mirrored);
  if (distortion) distortColors(view.bytes(), distortion, random);
  view.normalized(normalization.mean, normalization.std, into.image);
  if (!inside) clearBeyond(into.image, sources, { ...place, width, height });
}

/** Rows and columns of an image, from the first of a box. */
interface Sources {
  readonly down: Int32Array;
  readonly across: Int32Array;
}

/** Where the pixels of a crop come from, in a box of another size. */
function sourcesOf(
  { width, height }: Size,
  [rows, columns]: readonly [number, number],
  mirrored: boolean,
): Sources {
  const along = (from: number, to: number) =>
    Int32Array.from({ length: to }, (_, i) => Math.floor(((i + 0.5) * from) / to));
  const across = along(width, columns);
  return { down: along(height, rows), across: mirrored ? across.reverse() : across };
}

/** Whether there are two classes or more, none with too large a share. */
function isVaried(counts: Uint32Array, largestShare: number): boolean {
  const present = counts.filter((count) => count > 0);
  const all = present.reduce((sum, count) => sum + count, 0);
  return present.length > 1 && Math.max(...present) / all < largestShare;
}

/** A box with what the image has of it, and the mean color. */
function padded(
  canvas: Canvas,
  { left, top }: { left: number; top: number },
  { width, height }: Size,
  normalization: Normalization,
): Canvas {
  const bytes = canvas.bytes();
  const data = new Uint8Array(width * height * 4);
  const color = [...levelsOf(normalization), 255];
  for (let i = 0; i < data.length; i++) data[i] = color[i % 4]!;
  const columns = Math.min(width, canvas.width - left);
  for (let y = 0; y < Math.min(height, canvas.height - top); y++) {
    const begin = 4 * ((top + y) * canvas.width + left);
    data.set(bytes.subarray(begin, begin + 4 * columns), 4 * y * width);
  }
  return createCanvas({ width, height, channels: 4, data });
}

/** Exactly 0 beyond the image, whatever a filter or changed colors made of it. */
function clearBeyond(
  image: Float32Array,
  { down, across }: Sources,
  { left, top, width, height }: Box,
): void {
  const channels = image.length / (down.length * across.length);
  for (const [y, row] of down.entries()) {
    for (const [x, column] of across.entries()) {
      if (top + row < height && left + column < width) continue;
      const pixel = y * across.length + x;
      image.fill(0, pixel * channels, (pixel + 1) * channels);
    }
  }
}
