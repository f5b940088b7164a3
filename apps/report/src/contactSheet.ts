import sharp from 'sharp';
import { encodePng } from './pictures';
import type { Picture } from './reportData';

const GAP = 6;

/**
 * Pictures of one size in rows, as one PNG. Small ones are enlarged without smoothing.
 *
 * @param least pixels that a picture is wide at least
 * @throws where there are no pictures
 */
export async function contactSheet(rows: readonly (readonly Picture[])[], least = 96): Promise<Buffer> {
  const first = rows[0]?.[0];
  if (first === undefined) throw new Error('A contact sheet of no pictures: expected at least one.');
  const factor = Math.max(1, Math.ceil(least / first.width));
  const [cellWidth, cellHeight] = [first.width * factor, first.height * factor];
  const cells = rows.flatMap((pictures, row) =>
    pictures.map(async (picture, column) => ({
      input: await sharp(await encodePng(picture))
        .resize(cellWidth, cellHeight, { kernel: 'nearest', fit: 'fill' })
        .png()
        .toBuffer(),
      left: GAP + column * (cellWidth + GAP),
      top: GAP + row * (cellHeight + GAP),
    })),
  );
  const width = GAP + Math.max(...rows.map(({ length }) => length)) * (cellWidth + GAP);
  const height = GAP + rows.length * (cellHeight + GAP);
  return sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite(await Promise.all(cells))
    .png({ compressionLevel: 9 })
    .toBuffer();
}
