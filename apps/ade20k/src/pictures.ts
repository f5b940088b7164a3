import type { Picture } from '@beit/apps-shared/report';
import { type Color, overlayClasses } from '@beit/segmentation';
import type { SegmentedImage } from './evaluation';

const EXAMPLES = 8;
/** Between the pictures of a strip, pixels. */
const GAP = 4;

/** Keeps some images of an evaluation, evenly spread. */
export function evenlySpread(count: number) {
  const chosen = Math.min(EXAMPLES, count);
  const wanted = new Set(Array.from({ length: chosen }, (_, i) => Math.floor(((i + 0.5) * count) / chosen)));
  const seen: SegmentedImage[] = [];
  return {
    seen: seen as readonly SegmentedImage[],
    see(done: number, _total: number, image: SegmentedImage) {
      if (wanted.has(done - 1)) seen.push(image);
    },
  };
}

/** The image, the truth, and what the model says, side by side. */
export function strip(
  { width, height, pixels, labels, classes }: SegmentedImage,
  palette: readonly Color[],
): Picture {
  const pictures = [
    pixels,
    overlayClasses(pixels, labels, palette, 0.7),
    overlayClasses(pixels, classes, palette, 0.7),
  ];
  const whole = pictures.length * width + (pictures.length - 1) * GAP;
  const data = new Float32Array(whole * height * 3).fill(1);
  pictures.forEach((picture, i) => {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < 3 * width; x++)
        data[3 * (y * whole + i * (width + GAP)) + x] = picture[3 * y * width + x]! / 255;
    }
  });
  return { width: whole, height, data };
}
