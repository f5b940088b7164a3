import type { Picture } from '@beit/report';
import { type Color, overlayClasses } from '@beit/segmentation';
import type { SegmentedImage } from './evaluation';

/** Between the pictures of a strip, pixels. */
const GAP = 4;

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
