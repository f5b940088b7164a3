import { describeSize, type ImageSize, imageSides, isSameSize } from '@beit/tensors';
import { type Framing, framedSize, type Size } from '@beit/weights';
import type { Pretrained } from './loadPretrained';

/**
 * How pictures come to a checkpoint's size, as its file says it; in proportion to another size, as positions are
 * interpolated. Undefined where the file says nothing.
 *
 * @throws when it makes pictures of another size than the model's
 */
export function framingAt(
  { path, framing, config }: Pick<Pretrained, 'path' | 'framing' | 'config'>,
  size: ImageSize = config.imageSize,
): Framing | undefined {
  if (!framing) return undefined;
  const framed = framedSize(framing);
  if (!framed || !isSameSize([framed.height, framed.width], config.imageSize))
    throw new Error(
      `The preprocessing of ${path} makes pictures of ${framed ? `${framed.width}x${framed.height} pixels` : 'different sizes'}, ` +
        `but its model takes ${describeSize(config.imageSize)}. Its files do not belong together: mend size, crop_size or input_size.`,
    );
  if (isSameSize(size, config.imageSize)) return framing;
  const [[height, width], [oldHeight, oldWidth]] = [imageSides(size), imageSides(config.imageSize)];
  return scaled(framing, [height / oldHeight, width / oldWidth]);
}

function scaled({ resize, crop, ...framing }: Framing, [down, across]: readonly [number, number]): Framing {
  const size = ({ height, width }: Size): Size => ({
    height: Math.round(height * down),
    width: Math.round(width * across),
  });
  const to = resize && scaledTo(resize.to, size);
  return {
    ...framing,
    ...(resize && to && { resize: { ...resize, to } }),
    ...(crop && { crop: { ...crop, ...size(crop) } }),
  };
}

type ResizedTo = NonNullable<Framing['resize']>['to'];

function scaledTo(to: ResizedTo, scale: (size: Size) => Size): ResizedTo {
  if ('height' in to) return scale(to);
  if ('cover' in to) return { cover: scale(to.cover) };
  // A square of that shorter edge is what it has to cover.
  const cover = scale({ height: to.shortestEdge, width: to.shortestEdge });
  return cover.height === cover.width ? { shortestEdge: cover.height } : { cover };
}
