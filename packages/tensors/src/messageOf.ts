/**
 * What an error says. By property, not `instanceof Error`: errors of Node itself belong to another realm in workers and
 * test sandboxes.
 */
export function messageOf(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'message' in cause
    ? String(cause.message)
    : String(cause);
}
