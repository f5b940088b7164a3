import sharp from 'sharp';
import { viridisColor } from './colorMap';
import type { Picture } from './reportData';

/** Patches: `[rows, columns]`. */
export type GridSize = readonly [number, number];
type Color = readonly [number, number, number];

/** The picture as a PNG of 8 bits a channel. Throws where `data` is not `[height, width, 3]`. */
export async function encodePng(picture: Picture): Promise<Buffer> {
  checkPicture(picture);
  const { width, height } = picture;
  // Clamped arrays round and clip, and turn NaN into 0.
  const bytes = Uint8ClampedArray.from(picture.data, (value) => value * 255);
  return sharp(bytes, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/** The picture as the address of an `<img>` that needs no file. */
export async function pictureUri(picture: Picture): Promise<string> {
  return `data:image/png;base64,${(await encodePng(picture)).toString('base64')}`;
}

/**
 * Marks a reference patch: the middle half of it (8 of 16 pixels) half red, as the figure of the paper's self-attention
 * maps does. The picture is copied.
 */
export function drawQueryPoint(picture: Picture, grid: GridSize, row: number, column: number): Picture {
  checkPicture(picture);
  const [top, bottom] = middleHalf(row, grid[0], picture.height);
  const [left, right] = middleHalf(column, grid[1], picture.width);
  const inside = (y: number, x: number) => y >= top && y < bottom && x >= left && x < right;
  return painted(picture, (y, x, color) => (inside(y, x) ? blend(color, [1, 0, 0], 0.5) : color));
}

/**
 * Greys out the masked patches; patches of six pixels and more get a thin border, so that they can be counted.
 * `mask` is `[rows * columns]`, row-major, 1 = masked. The picture is copied.
 */
export function drawMask(picture: Picture, mask: Uint8Array, grid: GridSize, grey = 0.5): Picture {
  checkPicture(picture);
  const [rows, columns] = grid;
  if (mask.length !== rows * columns) {
    throw new Error(
      `A mask of ${mask.length} patches: expected ${rows} x ${columns} = ${rows * columns}, as the grid has.`,
    );
  }
  const bordered = Math.min(picture.height / rows, picture.width / columns) >= 6;
  const rowOf = (y: number) => Math.floor((y * rows) / picture.height);
  const columnOf = (x: number) => Math.floor((x * columns) / picture.width);
  const border = grey + 0.12;
  return painted(picture, (y, x, color) => {
    const [row, column] = [rowOf(y), columnOf(x)];
    if (mask[row * columns + column] !== 1) return color;
    const onBorder = bordered && (rowOf(y - 1) !== row || columnOf(x - 1) !== column);
    return onBorder ? [border, border, border] : [grey, grey, grey];
  });
}

export interface HeatMapOptions {
  /** The heat map's share of the colour; the rest is the picture in grey. 1 hides the picture. Default 0.75. */
  readonly opacity?: number;
  /** `nearest` shows the patches as they are; `bilinear` is smooth. Default `nearest`. */
  readonly interpolation?: 'nearest' | 'bilinear';
}

/**
 * The attention of one head over a picture, viridis from 0 to the largest value of this head.
 * `attention` is `[rows * columns]`, row-major, not negative; values that are not finite count as 0.
 */
export function drawHeatMap(
  picture: Picture,
  attention: Float32Array,
  grid: GridSize,
  { opacity = 0.75, interpolation = 'nearest' }: HeatMapOptions = {},
): Picture {
  checkPicture(picture);
  const [rows, columns] = grid;
  if (attention.length !== rows * columns) {
    throw new Error(
      `Attention over ${attention.length} patches: expected ${rows} x ${columns} = ${rows * columns}; drop the class token's column.`,
    );
  }
  const values = attention.map((value) => (Number.isFinite(value) ? Math.max(0, value) : 0));
  const largest = values.reduce((max, value) => Math.max(max, value), 0);
  const valueAt = (row: number, column: number) =>
    values[clamp(row, rows) * columns + clamp(column, columns)]!;
  const sample = (y: number, x: number) =>
    interpolation === 'nearest' ? valueAt(Math.floor(y), Math.floor(x)) : bilinear(valueAt, y - 0.5, x - 0.5);
  return painted(picture, (y, x, color) => {
    const value = sample(((y + 0.5) * rows) / picture.height, ((x + 0.5) * columns) / picture.width);
    const light = 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2];
    return blend([light, light, light], viridisColor(largest > 0 ? value / largest : 0), opacity);
  });
}

function bilinear(valueAt: (row: number, column: number) => number, y: number, x: number): number {
  const [row, column] = [Math.floor(y), Math.floor(x)];
  const [down, right] = [y - row, x - column];
  const upper = valueAt(row, column) * (1 - right) + valueAt(row, column + 1) * right;
  const lower = valueAt(row + 1, column) * (1 - right) + valueAt(row + 1, column + 1) * right;
  return upper * (1 - down) + lower * down;
}

const clamp = (index: number, size: number) => Math.min(size - 1, Math.max(0, index));

function middleHalf(index: number, count: number, pixels: number): [number, number] {
  if (!(Number.isInteger(index) && index >= 0 && index < count)) {
    throw new Error(`Patch ${index}: expected a row or column from 0 to ${count - 1}.`);
  }
  const size = pixels / count;
  const from = Math.floor(index * size + size / 4);
  return [from, Math.max(from + 1, Math.round(index * size + (3 * size) / 4))];
}

function painted(picture: Picture, paint: (y: number, x: number, color: Color) => Color): Picture {
  const { width, height, data } = picture;
  const result = new Float32Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      result.set(paint(y, x, [data[at]!, data[at + 1]!, data[at + 2]!]), at);
    }
  }
  return { width, height, data: result };
}

function blend(under: Color, over: Color, opacity: number): Color {
  const mix = (c: 0 | 1 | 2) => under[c] * (1 - opacity) + over[c] * opacity;
  return [mix(0), mix(1), mix(2)];
}

function checkPicture({ width, height, data }: Picture): void {
  if (data.length !== width * height * 3 || data.length === 0) {
    throw new Error(
      `A picture of ${data.length} values: expected height ${height} x width ${width} x 3, and not empty.`,
    );
  }
}
