import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { availableEngines } from '@beit/compile';
import { engineCheck, loadFixture, type Measurement, toleranceOf } from '@beit/parity';
import { BFLOAT16_ENGINES, type Bfloat16Engine, type Engine, optionsOf, precisionOf } from './engines';
import { maskingParity } from './maskingParity';
import { namesParity } from './namesParity';
import { resizeParity } from './resizeParity';
import { segmentationMetricsParity } from './segmentationMetricsParity';

export interface ParityRow extends Measurement {
  readonly file: string;
  /** `host` where no engine takes part. */
  readonly engine: Engine | 'host';
  readonly tolerance: number;
}

export interface ParityResult {
  readonly rows: readonly ParityRow[];
  /** Files that no package here covers. */
  readonly skipped: readonly string[];
}

/** What can be compared here, the plainest first. */
export async function enginesHere(): Promise<Engine[]> {
  const names = (await availableEngines()).toReversed();
  const inBfloat16 = (Object.keys(BFLOAT16_ENGINES) as Bfloat16Engine[]).filter((name) =>
    names.includes(BFLOAT16_ENGINES[name]),
  );
  return [...names, ...inBfloat16];
}

/**
 * Compares every fixture file of a folder with what the packages compute.
 *
 * @param engines which take part; default: every one that is installed
 * @throws when the folder has no fixture that is covered
 */
export async function parity(
  folder: string,
  onRow: (row: ParityRow) => void = () => {},
  engines?: readonly Engine[],
): Promise<ParityResult> {
  const files = (await readdir(folder)).sort();
  const rows: ParityRow[] = [];
  const skipped: string[] = [];
  const add = (file: string, engine: ParityRow['engine'], measurements: readonly Measurement[]) => {
    for (const measurement of measurements) {
      const tolerance = toleranceOf(file, measurement, precisionOf(engine));
      const row = { ...measurement, tolerance, file, engine };
      rows.push(row);
      onRow(row);
    }
  };
  const taking = engines ?? (await enginesHere());
  for (const file of files) {
    const path = join(folder, file);
    if (file === 'masking-statistics.json') add(file, 'host', await maskingParity(path));
    if (!file.endsWith('.safetensors')) continue;
    const check = engineCheck(file);
    if (file.startsWith('resize')) add(file, 'host', resizeParity(await loadFixture(path)));
    else if (file.startsWith('segmentation-metrics'))
      add(file, 'host', segmentationMetricsParity(await loadFixture(path)));
    else if (file.endsWith('-transformers-names.safetensors')) add(file, 'host', await namesParity(path));
    else if (check)
      for (const engine of taking) add(file, engine, await check(await loadFixture(path), optionsOf(engine)));
    else skipped.push(file);
  }
  if (rows.length === 0) {
    throw new Error(
      `${folder} holds no fixture that is known here: expected files such as mim-abs.safetensors; found ${files.join(', ') || 'nothing'}.`,
    );
  }
  return { rows, skipped };
}
