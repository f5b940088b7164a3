/** How a process ended: with which status, and if not with 0, with which last words. */
export function ended({ status, stderr }: { readonly status: number | null; readonly stderr: string }) {
  return status === 0 ? { status } : { status, lastWords: stderr.slice(-2000) };
}
