/**
 * What RandAugment does to colours beyond the adjustments of `adjust.ts`, on the bytes `[height, width, 4]` of a view,
 * in place; opacity stays. Reference: Pillow's ImageOps and ImageEnhance, as timm data/auto_augment.py calls them.
 */

/** Every colour channel through a table of 256 values. */
function mapChannels(bytes: Uint8Array, table: (channel: number) => ArrayLike<number>): void {
  const tables = [0, 1, 2].map(table);
  for (let i = 0; i < bytes.length; i += 4)
    for (let c = 0; c < 3; c++) bytes[i + c] = tables[c]![bytes[i + c]!]!;
}

const tableOf = (f: (value: number) => number): Uint8ClampedArray =>
  Uint8ClampedArray.from({ length: 256 }, (_, value) => f(value));

function histogram(bytes: Uint8Array, channel: number): Uint32Array {
  const counts = new Uint32Array(256);
  for (let i = channel; i < bytes.length; i += 4) counts[bytes[i]!]!++;
  return counts;
}

/** Negative. */
export function invert(bytes: Uint8Array): void {
  mapChannels(bytes, () => tableOf((value) => 255 - value));
}

/** Keeps the upper bits of each channel; 0 bits leave black. */
export function posterize(bytes: Uint8Array, bits: number): void {
  if (bits >= 8) return;
  const mask = bits === 0 ? 0 : ~(2 ** (8 - bits) - 1);
  mapChannels(bytes, () => tableOf((value) => value & mask));
}

/** Inverts what is at or above a threshold, [0, 256]. */
export function solarize(bytes: Uint8Array, threshold: number): void {
  mapChannels(bytes, () => tableOf((value) => (value < threshold ? value : 255 - value)));
}

/** Adds to what is below the middle. */
export function solarizeAdd(bytes: Uint8Array, add: number): void {
  mapChannels(bytes, () => tableOf((value) => (value < 128 ? Math.min(255, value + add) : value)));
}

/** Stretches each channel from black to white. */
export function autoContrast(bytes: Uint8Array): void {
  mapChannels(bytes, (channel) => {
    const counts = histogram(bytes, channel);
    const low = counts.findIndex((n) => n > 0);
    const high = counts.findLastIndex((n) => n > 0);
    if (high <= low) return tableOf((value) => value);
    const scale = 255 / (high - low);
    return tableOf((value) => Math.trunc(Math.min(255, Math.max(0, value * scale - low * scale))));
  });
}

/** Makes each channel's values equally frequent. */
export function equalize(bytes: Uint8Array): void {
  mapChannels(bytes, (channel) => {
    const counts = histogram(bytes, channel);
    const occurring = counts.filter((n) => n > 0);
    const step = Math.floor((bytes.length / 4 - (occurring.at(-1) ?? 0)) / 255);
    if (occurring.length <= 1 || step === 0) return tableOf((value) => value);
    let sum = Math.floor(step / 2);
    return tableOf((value) => {
      const mapped = Math.floor(sum / step);
      sum += counts[value]!;
      return mapped;
    });
  });
}

/** 0 is smoothed, 1 changes nothing, 2 is sharpened. */
export function sharpness(bytes: Uint8Array, width: number, factor: number): void {
  const smooth = smoothed(bytes, width);
  for (let i = 0; i < bytes.length; i += 4) {
    for (let c = i; c < i + 3; c++) {
      const blended = smooth[c]! + factor * (bytes[c]! - smooth[c]!);
      bytes[c] = Math.trunc(Math.min(255, Math.max(0, blended)));
    }
  }
}

/** Pillow's SMOOTH: weights 1, and 5 in the middle, of 13; the border stays. */
function smoothed(bytes: Uint8Array, width: number): Uint8Array {
  const result = bytes.slice();
  const height = bytes.length / 4 / width;
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let dy = -1; dy <= 1; dy++)
          for (let dx = -1; dx <= 1; dx++) sum += bytes[4 * ((y + dy) * width + x + dx) + c]!;
        const i = 4 * (y * width + x) + c;
        result[i] = Math.floor((sum + 4 * bytes[i]!) / 13 + 0.5);
      }
    }
  }
  return result;
}
