/** How a comparison ended. */
export type Verdict =
  | { readonly kind: 'equal' }
  | { readonly kind: 'different'; readonly message: string }
  /** An error that says by name what can't be done. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'error'; readonly message: string }
  | { readonly kind: 'crash'; readonly message: string };
export type Kind = Verdict['kind'];

/** A sentence of ours that names an op, or a dtype; not what an engine says when it was given something wrong. */
const REFUSAL =
  /\b(can't be (traced|exported|compiled)|made a tensor of dtype '\w+'|has dtype '\w+'; a program takes)/;

/** A fault inside the compiler is no refusal, though the error that tells of it names the op as well. */
const isFault = (error: unknown) =>
  error instanceof Error && ['TypeError', 'ReferenceError', 'RangeError'].includes(error.name);

export function verdictOfError(error: unknown): Verdict {
  const message = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error ? error.cause : undefined;
  return { kind: REFUSAL.test(message) && !isFault(cause) ? 'refused' : 'error', message };
}
