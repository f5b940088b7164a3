/** Runs asynchronous work one piece after the other, in the order asked for; a piece that fails stops no other. */
export function callQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
}
