import type { CompileOptions, Precision } from '@beit/compile';

/** Where programs run, and in what they compute products. */
export interface Target extends CompileOptions {
  readonly precision: Precision;
}

/** What a part of the check does, from plain data to rows that it tells as soon as it has them. */
export type Part<Given, Row> = (given: Given, tell: (row: Row) => Promise<void>) => Promise<void>;
