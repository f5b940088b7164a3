/** At most `wanted` of `count` indices, evenly spread. */
export function evenlySpread(wanted: number, count: number): number[] {
  const chosen = Math.min(wanted, count);
  return Array.from({ length: chosen }, (_, i) => Math.floor(((i + 0.5) * count) / chosen));
}
