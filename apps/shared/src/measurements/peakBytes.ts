import { readFileSync } from 'node:fs';

/** Most memory that this process has held at once. */
export function peakBytes(): number {
  // Linux starts a process's `maxRSS` from that of its parent; VmHWM is its own.
  const own =
    process.platform === 'linux' && /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return 1024 * (own ? Number(own[1]) : process.resourceUsage().maxRSS);
}
