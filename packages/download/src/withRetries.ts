import { setTimeout as sleep } from 'node:timers/promises';

/** A failure that may be gone at the next try. */
export class TemporaryError extends Error {
  /** Seconds that the server asks to wait. */
  readonly retryAfter?: number;
  constructor(message: string, retryAfter?: number) {
    super(message);
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
  }
}

export interface RetryOptions {
  /** Failures in a row, without a megabyte between them, after which it is given up. Default 8: about two minutes. */
  readonly tries?: number;
  /** Between the first and the second try; twice as many before each next one, half a minute at most. Default 0.5. */
  readonly waitSeconds?: number;
  /** Ends it, with the signal's reason as the error. */
  readonly signal?: AbortSignal;
}

const PROGRESS_BYTES = 2 ** 20;
const MOST_WAIT_SECONDS = 30;

/**
 * Runs `attempt` until it is through.
 *
 * @param attempt is given what to call with every piece: bytes; throws TemporaryError where another try makes sense
 * @throws what `attempt` throws otherwise; an error that says so where it was tried often enough
 */
export async function withRetries<T>(
  attempt: (received: (bytes: number) => void) => Promise<T>,
  { tries = 8, waitSeconds = 0.5, signal }: RetryOptions,
): Promise<T> {
  let failures = 0;
  for (;;) {
    let bytes = 0;
    try {
      return await attempt((more) => {
        bytes += more;
      });
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      failures = bytes >= PROGRESS_BYTES ? 1 : failures + 1;
      if (failures >= tries) {
        const last = tries > 1 ? '; that was the last of several tries' : '';
        throw new Error(`${error.message}${last}.`, { cause: error });
      }
      const wait = error.retryAfter ?? waitSeconds * 2 ** (failures - 1);
      // It fails only where the signal ends it, for which this throws what the signal says.
      await sleep(1000 * Math.min(wait, MOST_WAIT_SECONDS), undefined, { signal }).catch(() =>
        signal?.throwIfAborted(),
      );
    }
  }
}
