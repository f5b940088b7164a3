import { messageOf } from '@beit/tensors';
import { useEffect, useRef, useState } from 'react';

export interface Result<T> {
  /** The result of the last call that ended well; the one before while the next is computed. */
  readonly value?: T;
  readonly error?: string;
}

/**
 * What a call gives, again for every other `call`. While one is computed only the newest of the others waits: a brush
 * makes them faster than a large model answers.
 *
 * @param call from `useCallback`; without a promise nothing changes
 */
export function useResult<T>(call: () => Promise<T> | undefined): Result<T> {
  const [result, setResult] = useState<Result<T>>({});
  const waiting = useRef<typeof call>(undefined);
  const isRunning = useRef(false);
  useEffect(() => {
    const run = async () => {
      isRunning.current = true;
      while (waiting.current) {
        const own = waiting.current();
        waiting.current = undefined;
        const next = await own?.then(
          (value) => ({ value }),
          (cause) => ({ error: messageOf(cause) }),
        );
        if (next && !waiting.current) setResult(next);
      }
      isRunning.current = false;
    };
    waiting.current = call;
    if (!isRunning.current) run();
  }, [call]);
  return result;
}
