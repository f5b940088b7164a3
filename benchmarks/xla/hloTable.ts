import { type Cell, markdownTable } from '@beit/measurements';
import type { HloCounts } from './hloCounts';

const sum = (group: Readonly<Record<string, number>>) => Object.values(group).reduce((a, b) => a + b, 0);
const bothOf =
  (opcode: string) =>
  ({ run, fused }: HloCounts) =>
    `${run[opcode] ?? 0}, ${fused[opcode] ?? 0}`;

const ROWS: Readonly<Record<string, (counts: HloCounts) => Cell>> = {
  'instructions that are run': ({ run }) => sum(run),
  fusions: ({ run }) => run.fusion ?? 0,
  "of them a library's": ({ libraryFusions }) => sum(libraryFusions),
  'custom calls': ({ run }) => run['custom-call'] ?? 0,
  'products of float32': ({ dots }) => dots.f32 ?? 0,
  'products of bfloat16': ({ dots }) => dots.bf16 ?? 0,
  'transposes: run, in fusions': bothOf('transpose'),
  'copies: run, in fusions': bothOf('copy'),
  'conversions: run, in fusions': bothOf('convert'),
};

/** Programs beside each other, as XLA has optimized them, as a Markdown table. */
export const hloTable = (programs: Readonly<Record<string, HloCounts>>): string =>
  markdownTable(
    Object.entries(ROWS).map(([row, cell]) => ({
      '': row,
      ...Object.fromEntries(Object.entries(programs).map(([name, counts]) => [name, cell(counts)])),
    })),
  );
