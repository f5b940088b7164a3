import type { Comparison } from './conformance';
import type { Runner } from './runProgram';
import type { Kind } from './verdict';

type Column = Kind | 'excused';
const COLUMNS: readonly (readonly [column: Column, heading: string])[] = [
  ['equal', 'equal'],
  ['different', 'diff'],
  ['refused', 'refus'],
  ['error', 'error'],
  ['crash', 'crash'],
  ['excused', 'known'],
];
const FILE_WIDTH = 46;
const WIDTH = 6;

/** Counts by file and engine, and in all. Those that are excused count as known. */
export function table(
  comparisons: readonly Comparison[],
  runners: readonly Runner[],
  excused: ReadonlySet<Comparison>,
): string {
  const counts = (rows: readonly Comparison[]) =>
    runners.map((runner) => {
      const own = rows.filter((row) => row.runner === runner);
      const columnOf = (row: Comparison): Column => (excused.has(row) ? 'excused' : row.verdict.kind);
      return COLUMNS.map(([column]) => {
        const count = own.filter((row) => columnOf(row) === column).length;
        return (count === 0 ? '' : String(count)).padStart(WIDTH);
      }).join('');
    });
  const line = (name: string, cells: readonly string[]) =>
    [name.padEnd(FILE_WIDTH), ...cells].join('  |').trimEnd();
  const heading = COLUMNS.map(([, name]) => name.padStart(WIDTH)).join('');
  const files = [...new Set(comparisons.map(({ file }) => file))];
  return [
    line(
      '',
      runners.map((runner) => ` ${runner}`.padEnd(heading.length)),
    ),
    line(
      'tests of',
      runners.map(() => heading),
    ),
    ...files.map((file) => line(file, counts(comparisons.filter((row) => row.file === file)))),
    line('all', counts(comparisons)),
  ].join('\n');
}
