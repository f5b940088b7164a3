import { fileURLToPath } from 'node:url';
import type { Precision } from '@beit/compile';
import { runJson, runNodeJson } from '@beit/measurements';
import { type Absent, type Competitor, competitor } from './alternate';
import type { GemmOptions } from './gemm';
import { OUR_ENGINES } from './ourEngines';

const PEER = fileURLToPath(new URL('./gemm.py', import.meta.url));
const OURS = fileURLToPath(new URL('./gemm.ts', import.meta.url));
const SECONDS = 1;

/** GFLOP per second by size of the square operands, of each precision that was measured. */
type Rates = Partial<Readonly<Record<Precision, Readonly<Record<string, number>>>>>;

/** What measures the rate of matrix products: PyTorch, where there is a `python` that has it, and our engines. */
export function gemmCompetitors(threads: number, python: string | undefined): Competitor<Rates>[] {
  const ours = OUR_ENGINES.map(({ name, engine, precision }) => {
    const options: GemmOptions = { engine, precision, threads, seconds: SECONDS };
    return competitor(`gemm-${name}`, () => runNodeJson<Rates | Absent>(OURS, [JSON.stringify(options)]));
  });
  if (python === undefined) return ours;
  const peer = competitor('gemm-torch', () =>
    runJson<Rates>(python, [PEER, String(threads), String(SECONDS)]),
  );
  return [peer, ...ours];
}

/** GFLOP per second. */
export interface PeakRates {
  /** The best of any size, round and implementation; undefined where nothing measured it. */
  readonly fp32?: number;
  readonly bf16?: number;
  /** All that were measured, by implementation and round. */
  readonly measured: Readonly<Record<string, readonly Rates[]>>;
}

export function peakRates(competitors: readonly Competitor<Rates>[]): PeakRates {
  const best = (precision: Precision) => {
    const rates = competitors.flatMap(({ results }) =>
      results.flatMap((result) => Object.values(result[precision] ?? {})),
    );
    return rates.length > 0 ? Math.max(...rates) : undefined;
  };
  return {
    fp32: best('fp32'),
    bf16: best('bf16'),
    measured: Object.fromEntries(competitors.map(({ name, results }) => [name, results])),
  };
}
