import { createRandom, type Random } from '@beit/random';
import { eachReadable, type Unreadable } from '../loading/eachReadable';
import { readPixels } from '../loading/readPixels';
import { withCanvas } from '../loading/withCanvas';
import { compose } from '../pixels/background';
import { type Canvas, createCanvas } from '../pixels/canvas';
import { between } from '../views/between';
import type { Normalization } from '../views/twoViews';
import { type AnnotationOptions, IGNORE_INDEX } from './labelNumbers';
import { distortColors, type PhotometricDistortion } from './photometricDistortion';
import { type Annotation, annotationAt } from './readAnnotation';
import { type ImageScale, scaleFactor } from './scale';
import type { SegmentationSource } from './segmentationFolder';

export interface CropOptions {
  /** Side of a crop, pixels. ADE20K: 512. */
  readonly cropSize: number;
  /** What images are resized to before anything else. ADE20K: [2048, 512]. Left out: they stay as they are. */
  readonly scale?: ImageScale;
  /** Drawn for each image, and times its size. ADE20K: [0.5, 2]. */
  readonly ratio: readonly [number, number];
  /** A crop of which one class has a larger share is drawn again, up to ten times. ADE20K: 0.75. */
  readonly categoryMaxRatio: number;
  /** Probability of mirroring. */
  readonly flip: number;
  readonly distortion?: PhotometricDistortion;
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
  /** `[crops, cropSize, cropSize, 3]`, normalized; 0, the mean color, beyond the image. */
  readonly images: Float32Array;
  /** `[crops, cropSize, cropSize]`: a class or 255, and 255 beyond the image. */
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
  const size = crops.cropSize ** 2;
  const all = {
    images: reused?.images ?? new Float32Array(wanted.length * size * 3),
    labels: reused?.labels ?? new Int32Array(wanted.length * size),
  };
  const { indices, names, unreadable } = await eachReadable(
    images.names,
    { seed, epoch },
    wanted,
    async (index, sample, i) => {
      const into = {
        image: all.images.subarray(i * size * 3, (i + 1) * size * 3),
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
          `the image has ${width}x${height} pixels, its annotation ${annotation.width}x${annotation.height}`,
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
 * and resized then, which comes to the same: its side in the image is a whole number of pixels, so that the ratio is
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
  const side = Math.max(1, Math.round(cropSize / factor));
  const mirrored = random.uniform() < flip;
  /** Column or row of the source, from the first of the box. */
  const from = Int32Array.from({ length: cropSize }, (_, i) => Math.floor(((i + 0.5) * side) / cropSize));
  const draw = () => ({
    left: random.integer(0, Math.max(0, width - side)),
    top: random.integer(0, Math.max(0, height - side)),
  });
  const cutLabels = ({ left, top }: ReturnType<typeof draw>) => {
    const counts = new Uint32Array(IGNORE_INDEX + 1);
    for (let y = 0; y < cropSize; y++) {
      const row = top + from[y]!;
      for (let x = 0; x < cropSize; x++) {
        const column = left + from[mirrored ? cropSize - 1 - x : x]!;
        const label = row < height && column < width ? labels[row * width + column]! : IGNORE_INDEX;
        into.labels[y * cropSize + x] = label;
        counts[label]!++;
      }
    }
    return isVaried(counts.subarray(0, IGNORE_INDEX), categoryMaxRatio);
  };
  let place = draw();
  for (let attempt = 0; !cutLabels(place) && attempt < ATTEMPTS; attempt++) place = draw();

  compose(canvas, 'white', random);
  const inside = place.left + side <= width && place.top + side <= height;
  const [whole, box] = inside
    ? [canvas, { ...place, width: side, height: side }]
    : [padded(canvas, place, side, normalization), { left: 0, top: 0, width: side, height: side }];
  const view = whole.view(box, cropSize, 'bilinear', mirrored);
  if (distortion) distortColors(view.bytes(), distortion, random);
  view.normalized(normalization.mean, normalization.std, into.image);
  if (!inside) clearBeyond(into.image, from, { ...place, width, height }, mirrored);
}

/** Whether there are two classes or more, none with too large a share. */
function isVaried(counts: Uint32Array, largestShare: number): boolean {
  const present = counts.filter((count) => count > 0);
  const all = present.reduce((sum, count) => sum + count, 0);
  return present.length > 1 && Math.max(...present) / all < largestShare;
}

/** A square with what the image has of it, and the mean color. */
function padded(
  canvas: Canvas,
  { left, top }: { left: number; top: number },
  side: number,
  { mean }: Normalization,
): Canvas {
  const bytes = canvas.bytes();
  const data = new Uint8Array(side * side * 4);
  const color = [...mean.map((x) => Math.round(255 * x)), 255];
  for (let i = 0; i < data.length; i++) data[i] = color[i % 4]!;
  const columns = Math.min(side, canvas.width - left);
  for (let y = 0; y < Math.min(side, canvas.height - top); y++) {
    const begin = 4 * ((top + y) * canvas.width + left);
    data.set(bytes.subarray(begin, begin + 4 * columns), 4 * y * side);
  }
  return createCanvas({ width: side, height: side, channels: 4, data });
}

/** Exactly 0 beyond the image, whatever a filter or changed colors made of it. */
function clearBeyond(
  image: Float32Array,
  from: Int32Array,
  { left, top, width, height }: { left: number; top: number; width: number; height: number },
  mirrored: boolean,
): void {
  const size = from.length;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const isInside = top + from[y]! < height && left + from[mirrored ? size - 1 - x : x]! < width;
      if (!isInside) image.fill(0, (y * size + x) * 3, (y * size + x + 1) * 3);
    }
  }
}
