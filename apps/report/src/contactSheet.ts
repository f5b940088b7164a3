import sharp from 'sharp';
import { encodePng } from './pictures';
import type { Picture } from './reportData';

const GAP = 6;

/**
 * Pictures in rows, as one PNG: all as wide as the first one, those of a row in the proportions of its first. Small ones are
 * enlarged without smoothing.
 *
 * @param least pixels that a picture is wide at least
 * @throws where there are no pictures
 */
export async function contactSheet(rows: readonly (readonly Picture[])[], least = 96): Promise<Buffer> {
  const first = rows[0]?.[0];
  if (first === undefined) throw new Error('A contact sheet of no pictures: expected at least one.');
  const factor = Math.max(1, Math.ceil(least / first.width));
  const cellWidth = first.width * factor;
  const heights = rows.map(([own = first]) => Math.round((cellWidth * own.height) / own.width));
  const tops = heights.map((_, row) =>
    heights.slice(0, row).reduce((top, height) => top + height + GAP, GAP),
  );
  const cells = rows.flatMap((pictures, row) =>
    pictures.map(async (picture, column) => ({
      input: await sharp(await encodePng(picture))
        .resize(cellWidth, heights[row], { kernel: 'nearest', fit: 'fill' })
        .png()
        .toBuffer(),
      left: GAP + column * (cellWidth + GAP),
      top: tops[row]!,
    })),
  );
  const width = GAP + Math.max(...rows.map(({ length }) => length)) * (cellWidth + GAP);
  const height = tops.at(-1)! + heights.at(-1)! + GAP;
  return sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite(await Promise.all(cells))
    .png({ compressionLevel: 9 })
    .toBuffer();
}
