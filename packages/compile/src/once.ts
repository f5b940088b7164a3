/** A function that is called the first time alone, and gives what came of that ever after. */
export function once<T>(f: () => T): () => T {
  let value: { readonly is: T } | undefined;
  return () => {
    value ??= { is: f() };
    return value.is;
  };
}
