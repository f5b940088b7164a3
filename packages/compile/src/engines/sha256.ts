import { createHash } from 'node:crypto';

/** Of several parts, so that other borders between them are another hash. */
export function sha256(...parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest();
}
