/** Masks per second of our generator, in a process of its own. Argument: `MaskingTask` as JSON; prints a `MaskingRate`. */
import { createBlockwiseMasking, createRandom } from '@beit/masking';

export interface MaskingTask {
  readonly rows: number;
  readonly columns: number;
  readonly count: number;
  readonly minNumPatches: number;
  readonly seconds: number;
}

export interface MaskingRate {
  readonly masksPerSecond: number;
  readonly versions?: Readonly<Record<string, string>>;
}

/** Before that, code is being compiled. */
const WARM_UP_SECONDS = 0.2;

function measure({ rows, columns, count, minNumPatches, seconds }: MaskingTask): MaskingRate {
  const { generate } = createBlockwiseMasking({
    gridSize: [rows, columns],
    numMaskingPatches: count,
    minNumPatches,
  });
  const random = createRandom(0);
  const out = new Uint8Array(rows * columns);
  const generateFor = (duration: number) => {
    const start = performance.now();
    let [masks, elapsed] = [0, 0];
    while (elapsed < duration) {
      for (let i = 0; i < 100; i++) generate(random, out);
      masks += 100;
      elapsed = (performance.now() - start) / 1000;
    }
    return masks / elapsed;
  };
  generateFor(WARM_UP_SECONDS);
  return { masksPerSecond: generateFor(seconds) };
}

console.log(JSON.stringify(measure(JSON.parse(process.argv[2]!) as MaskingTask)));
