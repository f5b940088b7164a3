import type { Box, Pixels } from '../src';

/** What the kernels do, in plain double precision: as Pillow, without regard to speed. */

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const FILTERS = {
  bicubic: {
    support: 2,
    weight(x: number) {
      const t = Math.abs(x);
      if (t < 1) return 1.5 * t ** 3 - 2.5 * t ** 2 + 1;
      return t < 2 ? -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2 : 0;
    },
  },
  bilinear: { support: 1, weight: (x: number) => Math.max(0, 1 - Math.abs(x)) },
  lanczos: { support: 3, weight: (x: number) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
  box: { support: 0.5, weight: (x: number) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
};

const toByte = (x: number) => Math.min(255, Math.max(0, Math.round(x)));

/** `[length]` numbers to `[size]` bytes. */
function resampleLine(line: readonly number[], size: number, filter: keyof typeof FILTERS): number[] {
  const { support, weight } = FILTERS[filter];
  const scale = line.length / size;
  const widening = Math.max(scale, 1);
  return Array.from({ length: size }, (_, i) => {
    const center = (i + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - support * widening + 0.5));
    const until = Math.min(line.length, Math.trunc(center + support * widening + 0.5));
    let [sum, weights] = [0, 0];
    for (let k = from; k < until; k++) {
      const own = weight((k - center + 0.5) / widening);
      sum += own * line[k]!;
      weights += own;
    }
    return toByte(sum / weights);
  });
}

/** One channel of a crop, `[size, size]`. */
export function plainView(
  { data, width, channels }: Pixels,
  channel: number,
  box: Box,
  size: number,
  filter: keyof typeof FILTERS,
  flip: boolean,
): number[] {
  const rows = Array.from({ length: box.height }, (_, y) => {
    const row = Array.from(
      { length: box.width },
      (_, x) => data[((box.top + y) * width + box.left + x) * channels + channel]!,
    );
    const result = resampleLine(row, size, filter);
    return flip ? result.reverse() : result;
  });
  const columns = Array.from({ length: size }, (_, x) =>
    resampleLine(
      rows.map((row) => row[x]!),
      size,
      filter,
    ),
  );
  return Array.from({ length: size * size }, (_, i) => columns[i % size]![Math.floor(i / size)]!);
}

/** `[pixels, 3]`, changed as by Pillow's ImageEnhance. */
export function plainAdjust(data: readonly number[], name: string, factor: number): number[] {
  const gray = (i: number) => Math.round(0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!);
  let sum = 0;
  for (let i = 0; i < data.length; i += 3) sum += gray(i);
  const mean = Math.trunc(sum / (data.length / 3) + 0.5);
  return data.map((x, i) => {
    const level = name === 'brightness' ? 0 : name === 'contrast' ? mean : gray(i - (i % 3));
    return Math.min(255, Math.max(0, Math.trunc(level + factor * (x - level))));
  });
}
