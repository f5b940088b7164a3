import type { Response } from 'undici';

/** A failure that may be gone at the next try. */
export class TemporaryError extends Error {
  /** Seconds that the server asks to wait. */
  readonly retryAfter?: number;
  constructor(message: string, retryAfter?: number) {
    super(message);
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
  }
}

export interface HttpOptions {
  /** Failures in a row, without a megabyte between them, after which it is given up. Default 8: about two minutes. */
  readonly tries?: number;
  /** Time in which a kilobyte for each of its seconds must come. Default 30. */
  readonly stallSeconds?: number;
  /** Between the first and the second try; twice as many before each next one, half a minute at most. Default 0.5. */
  readonly waitSeconds?: number;
}

const PROGRESS_BYTES = 2 ** 20;
const MOST_WAIT_SECONDS = 30;

/**
 * Runs `attempt` until it is through.
 *
 * @param attempt is given what to call with every piece: bytes; throws TemporaryError where another try makes sense
 * @throws what `attempt` throws otherwise, or at last
 */
export async function withRetries<T>(
  attempt: (received: (bytes: number) => void) => Promise<T>,
  { tries = 8, waitSeconds = 0.5 }: HttpOptions,
): Promise<T> {
  let failures = 0;
  for (;;) {
    let bytes = 0;
    try {
      return await attempt((more) => {
        bytes += more;
      });
    } catch (error) {
      failures = bytes >= PROGRESS_BYTES ? 1 : failures + 1;
      if (!(error instanceof TemporaryError) || failures >= tries) throw error;
      const wait = error.retryAfter ?? waitSeconds * 2 ** (failures - 1);
      await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(wait, MOST_WAIT_SECONDS)));
    }
  }
}

/**
 * Asks for a part of a file, and hands its pieces on as they come.
 *
 * @param headers of the request: a range, and what it depends on
 * @param begin is told the answer before the first piece
 * @throws TemporaryError when the connection breaks or stalls, or the server is busy; else an error that says what it
 *   answered
 */
export async function* httpPieces(
  address: string,
  headers: Readonly<Record<string, string>>,
  begin: (answer: Response) => void | Promise<void>,
  { stallSeconds = 30 }: HttpOptions,
): AsyncGenerator<Uint8Array, void> {
  const { fetch } = await import('undici');
  const controller = new AbortController();
  let received = 0;
  const timer = setInterval(() => {
    if (received < 1024 * stallSeconds) {
      controller.abort(new TemporaryError(`${address} sent ${received} bytes in ${stallSeconds} s`));
    }
    received = 0;
  }, 1000 * stallSeconds);
  try {
    const answer = await fetch(address, {
      dispatcher: await dispatcher(),
      signal: controller.signal,
      headers: { 'user-agent': 'beit-data', 'accept-encoding': 'identity', ...headers },
    });
    if (!answer.ok) throw refusal(address, answer);
    const encoding = answer.headers.get('content-encoding');
    if (encoding !== null && encoding !== 'identity') {
      throw new Error(`${address} comes with the encoding '${encoding}'; expected the file as it is.`);
    }
    await begin(answer);
    for await (const piece of answer.body ?? []) {
      received += piece.length;
      yield piece;
    }
  } catch (error) {
    if (controller.signal.aborted) throw controller.signal.reason;
    // Undici's word for everything between it and an answer.
    if (error instanceof TypeError) {
      const { cause } = error as { cause?: unknown };
      throw new TemporaryError(`${address}: ${cause instanceof Error ? cause.message : error.message}`);
    }
    throw error;
  } finally {
    clearInterval(timer);
    controller.abort();
  }
}

function refusal(address: string, { status, statusText, headers }: Response): Error {
  const message = `${address} answered ${status} ${statusText}`;
  const isTemporary = status === 408 || status === 429 || status >= 500;
  const wait = Number(headers.get('retry-after') ?? Number.NaN);
  if (!isTemporary) return new Error(`${message}.`);
  return new TemporaryError(message, Number.isFinite(wait) ? wait : undefined);
}

let shared: Promise<import('undici').Dispatcher> | undefined;

/** Goes through HTTPS_PROXY and HTTP_PROXY, except for NO_PROXY; Node's own fetch does not. */
const dispatcher = () =>
  (shared ??= import('undici').then(({ EnvHttpProxyAgent }) => new EnvHttpProxyAgent()));

/** `bytes 5-9/10` */
export function contentRange(answer: Response): { first: number; last: number; total: number } | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.headers.get('content-range') ?? '');
  return match ? { first: Number(match[1]), last: Number(match[2]), total: Number(match[3]) } : undefined;
}
