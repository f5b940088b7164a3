import type { Comparison } from './conformance';
import type { Runner } from './runProgram';
import type { Kind } from './verdict';

const COLUMNS: readonly (readonly [Kind, string])[] = [
  ['equal', 'equal'],
  ['different', 'different'],
  ['refused', 'refused'],
  ['error', 'error'],
  ['crash', 'crash'],
];

/** Counts by file and engine, and in all. */
export function table(comparisons: readonly Comparison[], runners: readonly Runner[]): string {
  const line = (file: string, runner: string, rows: readonly Comparison[]) =>
    `${file.padEnd(44)} ${runner.padEnd(12)}${COLUMNS.map(([kind, name]) => {
      const count = rows.filter(({ verdict }) => verdict.kind === kind).length;
      return String(count === 0 ? '' : count).padStart(Math.max(name.length, 6) + 2);
    }).join('')}`.trimEnd();
  const heading = `${'tests'.padEnd(44)} ${'engine'.padEnd(12)}${COLUMNS.map(([, name]) => name.padStart(Math.max(name.length, 6) + 2)).join('')}`;
  const files = [...new Set(comparisons.map(({ file }) => file))];
  return [
    heading,
    ...files.flatMap((file) =>
      runners.map((runner) =>
        line(
          file,
          runner,
          comparisons.filter((row) => row.file === file && row.runner === runner),
        ),
      ),
    ),
    ...runners.map((runner) =>
      line(
        'all',
        runner,
        comparisons.filter((row) => row.runner === runner),
      ),
    ),
  ].join('\n');
}
