import { messageOf } from '@beit/tensors';
import type { Response } from 'undici';
import type { HttpAddress } from './httpAddress';
import { httpAgent } from './httpAgent';
import { type RetryOptions, TemporaryError } from './withRetries';

export interface HttpOptions extends RetryOptions {
  /** Time of waiting in which a kilobyte for each of its seconds must come. Default 30. */
  readonly stallSeconds?: number;
  /** Files of certificates (PEM) to trust, besides Node's own and those that the environment names. */
  readonly certificates?: readonly string[];
  /** Sent with every request, such as a token; an `authorization` is not sent on to another server. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** There is no way to a server, and will be none at the next try: a redirect that leads nowhere, a certificate that nobody trusts. */
export class UnreachableError extends Error {}

export interface HttpRequest {
  /** A range, and what it depends on; what is accepted. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the file must come as it is, because its bytes are counted; otherwise it may be packed on its way. */
  readonly asItIs?: boolean;
  /** Is told the answer before the first piece. */
  begin?(answer: Response): void | Promise<void>;
}

/**
 * Asks for a file or a part of it, and hands its pieces on as they come.
 *
 * @throws TemporaryError when the connection breaks or stalls, or the server is busy; UnreachableError where the next try
 *   would end alike; else an error that says what it answered
 */
export async function* httpPieces(
  { url, authorization }: HttpAddress,
  { headers, asItIs = false, begin }: HttpRequest,
  { stallSeconds = 30, certificates, headers: always, signal }: HttpOptions,
): AsyncGenerator<Uint8Array, void> {
  signal?.throwIfAborted();
  const { fetch } = await import('undici');
  const dispatcher = await httpAgent(certificates);
  const controller = new AbortController();
  const stop = () => controller.abort(signal!.reason);
  signal?.addEventListener('abort', stop);
  const pace = paceOf(stallSeconds, (bytes) =>
    controller.abort(new TemporaryError(`${url} sent ${bytes} bytes in ${stallSeconds} s`)),
  );
  try {
    const answer = await fetch(url, {
      dispatcher,
      signal: controller.signal,
      headers: {
        'user-agent': 'beit-download',
        ...(asItIs && { 'accept-encoding': 'identity' }),
        ...authorization,
        ...always,
        ...headers,
      },
    });
    if (!answer.ok) throw refusal(url, answer);
    const encoding = answer.headers.get('content-encoding');
    if (asItIs && encoding !== null && encoding !== 'identity') {
      throw new Error(`${url} comes with the encoding '${encoding}'; expected the file as it is.`);
    }
    await begin?.(answer);
    for await (const piece of answer.body ?? []) {
      pace.received(piece.length);
      yield piece;
      pace.waiting();
    }
  } catch (error) {
    if (controller.signal.aborted) throw controller.signal.reason;
    // Undici's word for everything between it and an answer.
    if (!(error instanceof TypeError)) throw error;
    const message = `Cannot fetch ${url}: ${messageOf(error.cause ?? error)}`;
    if (isFinal(error.cause)) throw new UnreachableError(`${message}.`, { cause: error });
    throw new TemporaryError(message);
  } finally {
    pace.stop();
    signal?.removeEventListener('abort', stop);
    controller.abort();
  }
}

/**
 * Whether the next try would end alike. What a connection may suffer has a code; what the standard of fetch forbids has none,
 * or that of an address: a redirect to `file:`, too many of them, a port that is not for HTTP. No certificate is trusted
 * the next time.
 */
function isFinal(cause: unknown): boolean {
  if (typeof cause !== 'object' || cause === null) return false;
  const { code } = cause as { readonly code?: string };
  if (code === undefined || code === 'ERR_INVALID_URL') return true;
  return /^(CERT_|DEPTH_ZERO_|ERR_TLS_|SELF_SIGNED_|UNABLE_TO_)/.test(code);
}

const SAMPLES = 10;

/**
 * Calls `tooSlow` when less than a kilobyte for each second came in `seconds` of waiting. Whether it waits is looked at
 * now and then: a reader that takes its time, or a process that is kept from running, is not the server's fault.
 */
function paceOf(seconds: number, tooSlow: (bytes: number) => void) {
  let [bytes, samples, isWaiting] = [0, 0, true];
  const timer = setInterval(
    () => {
      if (!isWaiting || ++samples < SAMPLES) return;
      if (bytes < 1024 * seconds) tooSlow(bytes);
      [bytes, samples] = [0, 0];
    },
    (1000 * seconds) / SAMPLES,
  );
  return {
    received(more: number) {
      bytes += more;
      isWaiting = false;
    },
    waiting() {
      isWaiting = true;
    },
    stop: () => clearInterval(timer),
  };
}

function refusal(url: string, { status, statusText, headers }: Response): Error {
  const message = `${url} answered ${status} ${statusText}`;
  const isTemporary = status === 408 || status === 429 || status >= 500;
  const wait = Number(headers.get('retry-after') ?? Number.NaN);
  if (!isTemporary) return new Error(`${message}.`);
  return new TemporaryError(message, Number.isFinite(wait) ? wait : undefined);
}

/** `bytes 5-9/10` */
export function contentRange(answer: Response): { first: number; last: number; total: number } | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.headers.get('content-range') ?? '');
  return match ? { first: Number(match[1]), last: Number(match[2]), total: Number(match[3]) } : undefined;
}
