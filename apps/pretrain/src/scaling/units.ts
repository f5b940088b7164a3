import { UsageError } from '@beit/cli';

const PREFIXES: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
const TIMES: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6 };

/** `100Gb/s` (bits) or `12GB/s` (bytes) in bytes a second. @throws UsageError that names the value */
export function bytesPerSecond(text: string, flag: string): number {
  const [, number, prefix, unit] = /^([\d.]+)\s*([kMGT]?)(bit|b|B)\/s$/.exec(text.trim()) ?? [];
  const value = Number(number) * PREFIXES[prefix ?? '']! * (unit === 'B' ? 1 : 1 / 8);
  if (number !== undefined && value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(`--${flag} is '${text}'; expected a rate such as 100Gb/s (bits) or 12GB/s (bytes).`);
}

/** `50us`, `0.2ms` or `1s` in seconds. @throws UsageError that names the value */
export function secondsOf(text: string, flag: string): number {
  const [, number, unit] = /^([\d.]+)\s*(s|ms|us|µs)$/.exec(text.trim()) ?? [];
  const value = Number(number) * TIMES[unit ?? 's']!;
  if (number !== undefined && value >= 0 && Number.isFinite(value)) return value;
  throw new UsageError(`--${flag} is '${text}'; expected a time such as 50us, 0.2ms or 1s.`);
}

/** Bytes a second for people, in bits as networks are called. */
export const rateText = (bytes: number): string => `${Number(((8 * bytes) / 1e9).toPrecision(3))} Gb/s`;

/** Seconds for people, from microseconds on. */
export function timeText(seconds: number): string {
  if (seconds === 0) return '0 s';
  if (seconds < 1e-3) return `${Number((1e6 * seconds).toPrecision(3))} µs`;
  return seconds < 1 ? `${Number((1e3 * seconds).toPrecision(3))} ms` : `${Number(seconds.toPrecision(3))} s`;
}
