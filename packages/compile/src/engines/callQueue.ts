/** The calls of one program: one after the other, and none once it is disposed. */
export interface CallQueue {
  /**
   * Runs asynchronous work: at once, or when what was asked for before has ended; work that fails stops no other.
   *
   * @throws when the program was disposed, as a rejection
   */
  call<T>(work: () => Promise<T>): Promise<T>;
  /**
   * The same with something that is taken when it is asked for, as it is then.
   *
   * @param take is told whether the work has to wait; what it throws is a rejection
   */
  callWith<P, T>(take: (waits: boolean) => P, work: (taken: P) => Promise<T>): Promise<T>;
  /** Runs the last piece of work. Another call waits for it. */
  dispose(work: () => Promise<void>): Promise<void>;
}

export function callQueue(): CallQueue {
  let last: Promise<unknown> = Promise.resolve();
  let pending = 0;
  let disposal: Promise<void> | undefined;
  function enqueue<T>(work: () => Promise<T>): Promise<T> {
    const ended = () => {
      pending -= 1;
    };
    pending += 1;
    const result = pending === 1 ? work() : last.then(work);
    last = result.then(ended, ended);
    return result;
  }
  async function callWith<P, T>(take: (waits: boolean) => P, work: (taken: P) => Promise<T>): Promise<T> {
    if (disposal) throw new Error('The program was disposed.');
    const taken = take(pending > 0);
    return enqueue(() => work(taken));
  }
  return {
    call: (work) => callWith(() => {}, work),
    callWith,
    dispose(work) {
      disposal ??= enqueue(work);
      return disposal;
    },
  };
}
