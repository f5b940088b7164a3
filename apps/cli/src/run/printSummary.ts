import type { SummaryRow } from '@beit/report';

/** The rows as a table in the terminal, with `title` over the labels. */
export function printSummary(title: string, rows: readonly SummaryRow[]): void {
  const width = Math.max(title.length, ...rows.map(({ label }) => label.length));
  console.log(`\n${title.padEnd(width)}  ${'value'.padStart(11)}  ${'baseline'.padStart(11)}`);
  for (const { label, value, baseline = '', note = '' } of rows) {
    console.log(`${label.padEnd(width)}  ${value.padStart(11)}  ${baseline.padStart(11)}  ${note}`);
  }
}
