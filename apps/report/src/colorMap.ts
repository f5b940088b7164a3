/** Nine equally spaced colours of viridis (Nathaniel Smith and Stéfan van der Walt, CC0): perceptually uniform, safe for colour-blind people. */
export const viridis = [
  '#440154',
  '#472d7b',
  '#3b528b',
  '#2c728e',
  '#21918c',
  '#28ae80',
  '#5ec962',
  '#addc30',
  '#fde725',
] as const;

const stops = viridis.map((hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255));

/** `value` in `[0, 1]` (clipped; NaN as 0) to `[red, green, blue]` in `[0, 1]`, linear between the stops. */
export function viridisColor(value: number): [number, number, number] {
  const place = Math.min(1, Math.max(0, value || 0)) * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(place));
  const fraction = place - index;
  const channel = (c: number) => stops[index]![c]! * (1 - fraction) + stops[index + 1]![c]! * fraction;
  return [channel(0), channel(1), channel(2)];
}
