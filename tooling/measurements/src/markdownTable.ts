export type Cell = string | number | undefined;

/** Rows of equal keys as a Markdown table, aligned for reading as plain text; numbers to the right, `-` for undefined. */
export function markdownTable(rows: readonly Readonly<Record<string, Cell>>[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const text = (cell: Cell) => (cell === undefined ? '-' : String(cell));
  const right = columns.map((column) => rows.every((row) => typeof row[column] !== 'string'));
  const widths = columns.map((column) =>
    Math.max(3, column.length, ...rows.map((row) => text(row[column]).length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(' | ')} |`;
  const rule = widths.map((width, i) => (right[i] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [
    line(columns),
    line(rule),
    ...rows.map((row) => line(columns.map((column) => text(row[column])))),
  ].join('\n');
}
