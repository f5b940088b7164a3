/** Inputs of runs, some of them sent before their run is asked for. */
export interface SentInputs<I extends object, T> {
  /** @throws what taking them throws, and when they were disposed */
  send(inputs: I): void;
  /** What was sent, once, or the inputs taken now. */
  take(inputs: I): T;
  /** Frees what was sent and never taken. */
  dispose(): void;
}

/**
 * @param take copies inputs as they are
 * @param free frees such a copy
 */
export function sentInputs<I extends object, T>(
  take: (inputs: I) => T,
  free: (taken: T) => void,
): SentInputs<I, T> {
  const sent = new Map<I, T>();
  let disposed = false;
  function drop(inputs: I): T | undefined {
    const known = sent.get(inputs);
    sent.delete(inputs);
    return known;
  }
  return {
    send(inputs) {
      if (disposed) throw new Error('The program was disposed.');
      const old = drop(inputs);
      if (old !== undefined) free(old);
      sent.set(inputs, take(inputs));
    },
    take: (inputs) => drop(inputs) ?? take(inputs),
    dispose() {
      disposed = true;
      for (const inputs of [...sent.keys()]) {
        const taken = drop(inputs);
        if (taken !== undefined) free(taken);
      }
    },
  };
}
