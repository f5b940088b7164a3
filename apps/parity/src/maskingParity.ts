import { readFile } from 'node:fs/promises';
import { createBlockwiseMasking, createRandom } from '@beit/masking';
import type { Measurement } from '@beit/parity';

interface MaskStatistics {
  config: { size: number; num: number; min: number };
  samples: number;
  countHistogram: Record<string, number>;
  cellProbability: number[][];
  horizontalNeighbourAgreement: number;
}

const MASKS = 20_000;
const TOLERANCE = 0.02;

/** Cell probabilities, histogram of counts and neighbour agreement of masks of ours against the official generator's. */
export async function maskingParity(path: string): Promise<Measurement[]> {
  const all = JSON.parse(await readFile(path, 'utf8')) as MaskStatistics[];
  return all.flatMap(({ config, samples, countHistogram, cellProbability, horizontalNeighbourAgreement }) => {
    const { size, num, min } = config;
    const masking = createBlockwiseMasking({ gridSize: size, numMaskingPatches: num, minNumPatches: min });
    const cells = new Float64Array(size * size);
    const counts = new Float64Array(size * size + 1);
    let agreeing = 0;
    for (let i = 0; i < MASKS; i++) {
      const mask = masking.generate(createRandom(0, i));
      let count = 0;
      mask.forEach((hidden, cell) => {
        cells[cell]! += hidden;
        count += hidden;
        if (cell % size > 0 && mask[cell - 1] === hidden) agreeing += 1;
      });
      counts[count]! += 1;
    }
    const largest = (differences: Iterable<number>) => Math.max(...Array.from(differences, Math.abs));
    const group = (what: string) => `${size}x${size}, ${num}, min ${min}: ${what}`;
    const expectedCells = cellProbability.flat();
    return [
      {
        group: group('cells'),
        error: largest(cells.map((n, i) => n / MASKS - expectedCells[i]!)),
        tolerance: TOLERANCE,
      },
      {
        group: group('counts'),
        error: largest(counts.map((n, i) => n / MASKS - (countHistogram[String(i)] ?? 0) / samples)),
        tolerance: TOLERANCE,
      },
      {
        group: group('neighbours'),
        error: Math.abs(agreeing / (MASKS * size * (size - 1)) - horizontalNeighbourAgreement),
        tolerance: TOLERANCE,
      },
    ];
  });
}
