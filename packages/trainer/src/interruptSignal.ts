/** The part of `process` that is used. */
export interface SignalSource {
  on(event: 'SIGINT' | 'SIGTERM', listener: (name: string) => void): unknown;
  off(event: 'SIGINT' | 'SIGTERM', listener: (name: string) => void): unknown;
  exit(code: number): unknown;
}

export interface InterruptSignal {
  /** Aborted by the first Ctrl-C or SIGTERM; for `train`, which then finishes its step and saves. */
  readonly signal: AbortSignal;
  /** Stops listening. */
  release(): void;
}

const EXIT_CODES: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/** Listens for Ctrl-C (SIGINT) and SIGTERM: the first aborts `signal`, the second ends the process at once. */
export function interruptSignal(source: SignalSource = process): InterruptSignal {
  const controller = new AbortController();
  const listener = (name: string) => {
    if (controller.signal.aborted) source.exit(EXIT_CODES[name] ?? 1);
    else controller.abort();
  };
  source.on('SIGINT', listener);
  source.on('SIGTERM', listener);
  return {
    signal: controller.signal,
    release() {
      source.off('SIGINT', listener);
      source.off('SIGTERM', listener);
    },
  };
}
