import { describeSize, type ImageSize, isSameSize } from '@beit/tensors';
import { type Framing, framedSize, type Size } from '@beit/weights';
import { overWhite } from '../pixels/background';
import type { Canvas, View } from '../pixels/canvas';
import type { Box } from '../pixels/pixels';

/**
 * A picture as a model takes it, by what is said of its preprocessing, to the bit as with Pillow.
 * References: transformers image_processing_backends.py (PilBackend) 5.24, torchvision transforms/functional.py (resize,
 * center_crop) 0.29.
 *
 * @param canvas is changed
 * @param channels 1: it is made gray
 */
export function frame(canvas: Canvas, framing: Framing, channels: 1 | 3 = 3): View {
  if (framing.transparency === 'white') overWhite(canvas);
  if (channels === 1) canvas.makeGray();
  const size = resizedSize(canvas, framing);
  return canvas.resized(size, framing.resize?.filter ?? 'nearest', windowOf(size, framing));
}

/** @throws RangeError when a framing does not make images of this size of every picture */
export function assertFrames(framing: Framing, imageSize: ImageSize): void {
  const size = framedSize(framing);
  if (!size || !isSameSize([size.height, size.width], imageSize)) {
    throw new RangeError(
      `The framing makes pictures of ${size ? `${size.width}x${size.height} pixels` : 'any size'}; expected ${describeSize(imageSize)}.`,
    );
  }
}

function resizedSize({ width, height }: Size, { resize }: Framing): Size {
  if (!resize) return { width, height };
  if ('height' in resize.to) return resize.to;
  if ('cover' in resize.to) {
    const { cover } = resize.to;
    const ratio = Math.min(height / cover.height, width / cover.width);
    return { width: roundHalfEven(width / ratio), height: roundHalfEven(height / ratio) };
  }
  const short = resize.to.shortestEdge;
  const long = Math.floor((short * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? { width: short, height: long } : { width: long, height: short };
}

function windowOf(size: Size, { crop }: Framing): Box {
  if (!crop) return { left: 0, top: 0, ...size };
  const start = (whole: number, kept: number) => {
    // Of a border of odd width the larger half is at the end, as torchvision has it (transformers' numpy: at the beginning).
    if (kept > whole) return -Math.floor((kept - whole) / 2);
    const half = (whole - kept) / 2;
    return crop.rounding === 'down' ? Math.floor(half) : roundHalfEven(half);
  };
  const { width, height } = crop;
  return { left: start(size.width, width), top: start(size.height, height), width, height };
}

const roundHalfEven = (x: number): number => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
