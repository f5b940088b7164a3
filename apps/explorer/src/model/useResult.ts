import { useEffect, useState } from 'react';
import { messageOf } from './useModel';

export interface Result<T> {
  /** Of the last call that ended well; the one before while the next is computed. */
  readonly value?: T;
  readonly error?: string;
}

/**
 * What a call gives, again for every other `call`; answers that come too late are dropped.
 *
 * @param call from `useCallback`; without a promise nothing changes
 */
export function useResult<T>(call: () => Promise<T> | undefined): Result<T> {
  const [result, setResult] = useState<Result<T>>({});
  useEffect(() => {
    let isWanted = true;
    call()?.then(
      (value) => isWanted && setResult({ value }),
      (cause) => isWanted && setResult({ error: messageOf(cause) }),
    );
    return () => {
      isWanted = false;
    };
  }, [call]);
  return result;
}
