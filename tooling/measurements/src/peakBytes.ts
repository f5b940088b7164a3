import { readFileSync, writeFileSync } from 'node:fs';

/** Most memory that this process has held at once, since its start or `restartPeak`. */
export function peakBytes(): number {
  // Linux starts a process's `maxRSS` from that of its parent; VmHWM is its own.
  const own =
    process.platform === 'linux' && /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return 1024 * (own ? Number(own[1]) : process.resourceUsage().maxRSS);
}

/** From now on `peakBytes` is about what comes. Linux only; elsewhere it stays about all. */
export function restartPeak(): void {
  // proc(5): clear_refs, 5 sets the peak resident set to the current one.
  if (process.platform === 'linux') writeFileSync('/proc/self/clear_refs', '5');
}
