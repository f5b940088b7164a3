import { type Framing, framedSize } from '@beit/weights';
import type { Pretrained } from './loadPretrained';

/**
 * How pictures come to a checkpoint's size, as its file says it; in proportion to another size, as positions are
 * interpolated. Undefined where the file says nothing.
 *
 * @throws when it makes pictures of another size than the model's
 */
export function framingAt(
  { path, framing, config }: Pick<Pretrained, 'path' | 'framing' | 'config'>,
  size: number = config.imageSize,
): Framing | undefined {
  if (!framing) return undefined;
  const framed = framedSize(framing);
  if (framed?.height !== config.imageSize || framed.width !== config.imageSize)
    throw new Error(
      `The preprocessing of ${path} makes pictures of ${framed ? `${framed.width}x${framed.height} pixels` : 'different sizes'}, ` +
        `but its model takes ${config.imageSize}x${config.imageSize}. Its files do not belong together: mend size, crop_size or input_size.`,
    );
  return size === config.imageSize ? framing : scaled(framing, size / config.imageSize);
}

function scaled({ resize, crop, ...framing }: Framing, factor: number): Framing {
  const side = (pixels: number) => Math.round(pixels * factor);
  const size = (of: { readonly height: number; readonly width: number }) => ({
    height: side(of.height),
    width: side(of.width),
  });
  return {
    ...framing,
    ...(resize && {
      resize: {
        ...resize,
        to: 'height' in resize.to ? size(resize.to) : { shortestEdge: side(resize.to.shortestEdge) },
      },
    }),
    ...(crop && { crop: { ...crop, ...size(crop) } }),
  };
}
