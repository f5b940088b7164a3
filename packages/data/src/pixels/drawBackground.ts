import type { Random } from '@beit/random';

type Color = readonly [number, number, number];

/** Cells of the coarsest noise across a scene, and how many times finer ones are added. */
const NOISE = { cells: 3, octaves: 4 } as const;

/**
 * A background that no object can be told from by smoothness alone: ground below a horizon, clouds, stripes or tiles, of
 * two colors mixed by noise at several scales.
 *
 * @returns `[height, width, 3]`
 */
export function drawBackground(width: number, height: number, random: Random): Uint8Array {
  const color = (): Color => [random.uniform(30, 240), random.uniform(30, 240), random.uniform(30, 240)];
  const colors = [color(), color(), color()] as const;
  const noise = createNoise(random);
  const share = shareOf(random.integer(0, 3), random);
  const grain = random.uniform(0.1, 0.5);
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [x / height, y / height];
      const rough = noise(u, v);
      const main = share(u, v, rough);
      for (let c = 0; c < 3; c++) {
        const base = colors[0][c]! + main * (colors[1][c]! - colors[0][c]!);
        pixels[3 * (y * width + x) + c] = Math.round(base + grain * rough * (colors[2][c]! - base));
      }
    }
  }
  return pixels;
}

/** How much of the second color a place has, [0, 1]; `rough` is the noise there. */
function shareOf(kind: number, random: Random): (u: number, v: number, rough: number) => number {
  const turn = random.uniform(0, Math.PI);
  const frequency = random.uniform(4, 14);
  const along = (u: number, v: number) => u * Math.cos(turn) + v * Math.sin(turn);
  const across = (u: number, v: number) => v * Math.cos(turn) - u * Math.sin(turn);
  const horizon = random.uniform(0.3, 0.8);
  switch (kind) {
    case 0:
      return (_, v, rough) => (v < horizon + 0.15 * (rough - 0.5) ? 0.25 * v : 1);
    case 1:
      return (_u, _v, rough) => rough;
    case 2:
      return (u, v, rough) => 0.5 + 0.5 * Math.sin(2 * Math.PI * (frequency * along(u, v) + rough));
    default:
      return (u, v) => (Math.floor(frequency * along(u, v)) + Math.floor(frequency * across(u, v))) & 1;
  }
}

/** Smooth random numbers in [0, 1] of a place, rougher and rougher ones added up. */
function createNoise(random: Random): (u: number, v: number) => number {
  const side = 64;
  const values = Float64Array.from({ length: side * side }, () => random.uniform());
  const at = (i: number, j: number) => values[(j & (side - 1)) * side + (i & (side - 1))]!;
  const smooth = (t: number) => t * t * (3 - 2 * t);
  return (u, v) => {
    let [sum, weights] = [0, 0];
    for (let octave = 0; octave < NOISE.octaves; octave++) {
      const cells = NOISE.cells * 2 ** octave;
      const [x, y] = [u * cells + 17 * octave, v * cells + 31 * octave];
      const [i, j] = [Math.floor(x), Math.floor(y)];
      const [s, t] = [smooth(x - i), smooth(y - j)];
      const upper = at(i, j) + s * (at(i + 1, j) - at(i, j));
      const lower = at(i, j + 1) + s * (at(i + 1, j + 1) - at(i, j + 1));
      const weight = 0.5 ** octave;
      sum += weight * (upper + t * (lower - upper));
      weights += weight;
    }
    return sum / weights;
  };
}
