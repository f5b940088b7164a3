type SignalName = keyof typeof EXIT_CODES;

/** The part of `process` that is used. */
export interface SignalSource {
  on(event: SignalName, listener: (name: string) => void): unknown;
  off(event: SignalName, listener: (name: string) => void): unknown;
  exit(code: number): unknown;
}

export interface InterruptSignal {
  /** Aborted by the first of these signals; for `train`, which then finishes its step and saves. */
  readonly signal: AbortSignal;
  /** Stops listening. */
  release(): void;
}

/** Ctrl-C, a closed terminal or broken connection, and what schedulers send. */
const EXIT_CODES = { SIGINT: 130, SIGHUP: 129, SIGTERM: 143 } as const;
const SIGNALS = Object.keys(EXIT_CODES) as SignalName[];

/** Listens for SIGINT (Ctrl-C), SIGHUP and SIGTERM: the first aborts `signal`, the second ends the process at once. */
export function interruptSignal(source: SignalSource = process): InterruptSignal {
  const controller = new AbortController();
  const listener = (name: string) => {
    if (controller.signal.aborted) source.exit(EXIT_CODES[name as SignalName] ?? 1);
    else controller.abort();
  };
  for (const name of SIGNALS) source.on(name, listener);
  return {
    signal: controller.signal,
    release() {
      for (const name of SIGNALS) source.off(name, listener);
    },
  };
}
