import { encodePng, type Picture } from '@beit/apps-shared/report';
import sharp from 'sharp';
import type { Example } from './reportData';

const gap = 6;

/**
 * One PNG for a README or a quick look: a column per example with its pictures from the top. Small pictures are enlarged
 * without smoothing. Throws where there are no examples.
 */
export async function contactSheet(examples: readonly Example[]): Promise<Buffer> {
  const first = examples[0];
  if (first === undefined) throw new Error('A contact sheet of 0 examples: expected at least one.');
  const size = first.pictures[0]!.picture;
  const factor = Math.max(1, Math.ceil(96 / size.width));
  const [cellWidth, cellHeight] = [size.width * factor, size.height * factor];

  const cells = examples.flatMap((example, column) =>
    example.pictures.map(async ({ picture }, row) => ({
      input: await enlarged(picture, cellWidth, cellHeight),
      left: gap + column * (cellWidth + gap),
      top: gap + row * (cellHeight + gap),
    })),
  );
  const width = gap + examples.length * (cellWidth + gap);
  const height = gap + first.pictures.length * (cellHeight + gap);
  return sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite(await Promise.all(cells))
    .png({ compressionLevel: 9 })
    .toBuffer();
}

async function enlarged(picture: Picture, width: number, height: number): Promise<Buffer> {
  return sharp(await encodePng(picture))
    .resize(width, height, { kernel: 'nearest', fit: 'fill' })
    .png()
    .toBuffer();
}
