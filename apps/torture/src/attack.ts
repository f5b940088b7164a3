import type { Random } from '@beit/random';

/** What came of a case; what failed is told in a sentence. */
export type Verdict = { readonly survived: true } | { readonly survived: false; readonly why: string };

export const SURVIVED: Verdict = { survived: true };
export const failed = (why: string): Verdict => ({ survived: false, why });

/** What a case is given. */
export interface Case {
  /** Everything random in it is drawn from here. */
  readonly random: Random;
  /** An empty folder of its own; it is kept where the case fails. */
  readonly folder: string;
}

/** One way to do harm. */
export interface Attack {
  /** Short, without blanks. */
  readonly name: string;
  /** For people, in a line. */
  readonly about: string;
  /** Why it cannot be tried on this machine; undefined: it can. */
  missing?(): string | undefined;
  /** Tries one case. @throws when the case itself could not be made */
  attempt(one: Case): Promise<Verdict>;
}
