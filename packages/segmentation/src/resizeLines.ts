export interface LineSizes {
  readonly lines: number;
  readonly positions: number;
}

/**
 * Bilinear resizing of lines that come one by one, as torch.nn.functional.interpolate(mode='bilinear',
 * align_corners=False): two lines are in memory at a time. Each array is valid until the next is asked for.
 *
 * @param source `from.lines` times `[from.positions, numClasses]`
 * @returns `to.lines` times `[to.positions, numClasses]`
 */
export async function* resizeLines(
  source: AsyncIterable<Float32Array>,
  from: LineSizes,
  to: LineSizes,
  numClasses: number,
): AsyncGenerator<Float32Array> {
  if (from.lines === to.lines && from.positions === to.positions) {
    yield* source;
    return;
  }
  const places = Array.from({ length: to.positions }, (_, i) => place(i, from.positions, to.positions));
  const result = new Float32Array(to.positions * numClasses);
  const mixed = new Float32Array(from.positions * numClasses);
  const [before, after] = [mixed.slice(), mixed.slice()];
  let target = 0;
  let arrived = -1;

  function* emit(): Generator<Float32Array> {
    // The lines `arrived - 1` and `arrived` are here.
    while (target < to.lines) {
      const { low, high, share } = place(target, from.lines, to.lines);
      if (high > arrived) return;
      const [a, b] = [low === arrived ? after : before, high === arrived ? after : before];
      for (let i = 0; i < mixed.length; i++) mixed[i] = a[i]! + share * (b[i]! - a[i]!);
      places.forEach(({ low, high, share }, position) => {
        for (let c = 0; c < numClasses; c++) {
          const [p, q] = [mixed[low * numClasses + c]!, mixed[high * numClasses + c]!];
          result[position * numClasses + c] = p + share * (q - p);
        }
      });
      target += 1;
      yield result;
    }
  }

  for await (const line of source) {
    before.set(after);
    after.set(line);
    arrived += 1;
    yield* emit();
  }
}

/** The two old places that a new one lies between, and its distance from the first. */
function place(i: number, from: number, to: number) {
  const center = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
  const low = Math.floor(center);
  return { low, high: Math.min(low + 1, from - 1), share: center - low };
}
