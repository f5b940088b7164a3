/** How a process ended: with which status, and if not with 0, by which signal and with which last words. */
export function ended({
  status,
  signal,
  stderr,
}: {
  readonly status: number | null;
  readonly signal?: NodeJS.Signals | null;
  readonly stderr: string;
}) {
  return status === 0 ? { status } : { status, signal, lastWords: stderr.slice(-2000) };
}
