/** The calls of one program: one after the other, and none once it is disposed. */
export interface CallQueue {
  /**
   * Runs asynchronous work when what was asked for before has ended; work that fails stops no other.
   *
   * @throws when the program was disposed
   */
  call<T>(work: () => Promise<T>): Promise<T>;
  /** Runs the last piece of work. */
  dispose(work: () => Promise<void>): Promise<void>;
}

export function callQueue(): CallQueue {
  let last: Promise<unknown> = Promise.resolve();
  let disposed = false;
  const call: CallQueue['call'] = (work) => {
    const result = last.then(() => {
      if (disposed) throw new Error('The program was disposed.');
      return work();
    });
    last = result.catch(() => {});
    return result;
  };
  return {
    call,
    dispose: (work) =>
      call(() => {
        disposed = true;
        return work();
      }),
  };
}
