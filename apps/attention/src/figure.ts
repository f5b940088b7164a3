/** The paper's last figure: reference points, and what they attend to. */

import { type GridSize, keepMass, type LayerAttention, meanMap, patchAttention } from '@beit/attention';
import {
  contactSheet,
  drawHeatMap,
  drawMask,
  drawQueryPoint,
  escapeHtml,
  type Picture,
  pictureUri,
} from '@beit/report';
import { enlarged } from './pictures';

/** One reference point. */
export interface Query {
  /** The name of the picture, for people. */
  readonly name: string;
  readonly image: Picture;
  /** Patch. */
  readonly point: readonly [row: number, column: number];
  readonly layer: LayerAttention;
  readonly gridSize: GridSize;
}

export interface QueryMaps {
  /** `[rows * columns]` each. */
  readonly heads: readonly Float32Array[];
  readonly mean: Float32Array;
  /** 1 for the fewest patches that hold 60 % of the mean's mass. */
  readonly kept: Uint8Array;
}

export function mapsOf({ layer, point, gridSize }: Query): QueryMaps {
  const heads = patchAttention(layer, gridSize, point);
  const mean = meanMap(heads);
  return { heads, mean, kept: keepMass(mean) };
}

interface Cell {
  readonly label: string;
  readonly picture: Picture;
}

/** Pixels along a side of a picture of the figure, at least. */
const LEAST_SIDE = 180;

/** The image with the point, the mean of the heads over it, what holds 60 % of its mass, and every head. */
function cellsOf(query: Query): [Cell, ...Cell[]] {
  const { gridSize } = query;
  const { heads, mean, kept } = mapsOf(query);
  const factor = Math.max(1, Math.ceil(LEAST_SIDE / query.image.width));
  const picture = enlarged(query.image, factor);
  const [row, column] = query.point;
  const away = kept.map((is) => 1 - is);
  return [
    {
      label: `${query.name}: row ${row}, column ${column}`,
      picture: drawQueryPoint(picture, gridSize, row, column),
    },
    {
      label: 'mean of all heads',
      picture: drawHeatMap(picture, mean, gridSize, { interpolation: 'bilinear' }),
    },
    { label: '60 % of its mass', picture: drawMask(picture, away, gridSize, 0.92) },
    ...heads.map((map, head) => ({
      label: `head ${head + 1}`,
      picture: drawHeatMap(picture, map, gridSize, { opacity: 1 }),
    })),
  ];
}

const GAP = 8;
const LABEL = 18;

/**
 * A row for each reference point: pictures are equally wide, and as high as their proportions make them.
 *
 * @returns the figure with labels, and the pictures alone
 */
export async function drawFigure(
  queries: readonly Query[],
  title: string,
): Promise<{ svg: string; png: Buffer }> {
  const rows = queries.map(cellsOf);
  const side = rows[0]![0]!.picture.width;
  const heights = rows.map(([{ picture }]) => Math.round((side * picture.height) / picture.width));
  const tops = heights.map((_, row) =>
    heights.slice(0, row).reduce((top, height) => top + LABEL + height + GAP, GAP),
  );
  const width = GAP + rows[0]!.length * (side + GAP);
  const height = tops.at(-1)! + LABEL + heights.at(-1)! + GAP;
  const cells = await Promise.all(
    rows.flatMap((cells, row) =>
      cells.map(async ({ label, picture }, column) => {
        const [x, y] = [GAP + column * (side + GAP), tops[row]!];
        const uri = await pictureUri(picture);
        return (
          `<text x="${x}" y="${y + LABEL - 6}">${escapeHtml(label)}</text>` +
          `<image x="${x}" y="${y + LABEL}" width="${side}" height="${heights[row]}" href="${uri}"/>`
        );
      }),
    ),
  );
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">` +
    `<title>${escapeHtml(title)}</title>` +
    `<style>text { font: 11px system-ui, sans-serif; fill: #1d1f21 }</style>` +
    `<rect width="${width}" height="${height}" fill="#fdfdfc"/>${cells.join('\n')}</svg>\n`;
  return { svg, png: await contactSheet(rows.map((cells) => cells.map(({ picture }) => picture))) };
}
