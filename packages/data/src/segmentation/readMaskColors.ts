import { assertSize } from '../pixels/assertSize';
import { pixelBytesOf } from '../pixels/decodePixels';
import { pngHeader } from './pngIndices';
import { MASK_OPTIONS, readMaskFile } from './readMask';
import { isTiff } from './tiffColor';

/** The colors of a mask, `[height, width]`, as numbers 0xRRGGBB. */
export interface MaskColors {
  readonly width: number;
  readonly height: number;
  readonly colors: Uint32Array;
}

/**
 * A mask as a picture: a PNG or TIFF file in colors of 8 bits, gray, or with a palette; opacity counts for nothing.
 *
 * @throws Error when the file is something else, such as JPEG, which changes colors, is damaged or too large
 */
export async function readMaskColors(path: string): Promise<MaskColors> {
  const file = await readMaskFile(path);
  const isUpright = !isTiff(file);
  if (isUpright) pngHeader(file);
  const { default: sharp } = await import('sharp');
  const image = sharp(file, MASK_OPTIONS);
  const header = await image.metadata();
  if (header.depth !== 'uchar')
    throw new Error(`a picture of the type ${header.depth}; expected 8 bits a channel`);
  assertSize({ ...header, pixelBytes: pixelBytesOf(header) });
  const { data, info } = await (isUpright ? image : image.autoOrient())
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels !== 3) throw new Error(`decoded to ${channels} channels; expected 3`);
  const colors = new Uint32Array(width * height);
  for (let i = 0; i < colors.length; i++) colors[i] = data.readUIntBE(3 * i, 3);
  return { width, height, colors };
}
