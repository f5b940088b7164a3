import type { Numbers } from './runProgram';

/**
 * Where two runs of a program differ by more than `tolerance`: the largest difference of each tensor, relative to its
 * largest magnitude.
 *
 * @param scale another magnitude for some tensors, by path
 * @returns by path; empty when all is well
 */
export function differences(
  actual: Numbers,
  expected: Numbers,
  tolerance: number,
  scale: (path: string) => number | undefined = () => undefined,
): Record<string, number | string> {
  const found: Record<string, number | string> = {};
  if (Object.keys(expected).length === 0) found[''] = 'there is nothing to compare';
  for (const path of Object.keys(actual)) if (!(path in expected)) found[path] = 'is not expected';
  for (const [path, { shape, data }] of Object.entries(expected)) {
    const other = actual[path];
    if (!other || other.shape.join() !== shape.join()) {
      found[path] = `is [${other?.shape}] instead of [${shape}]`;
      continue;
    }
    const magnitude = scale(path) ?? data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const error = data.reduce((most, x, i) => Math.max(most, Math.abs(x - other.data[i]!)), 0);
    // Not larger, so that NaN is a difference.
    if (!(error <= tolerance * magnitude)) found[path] = error / magnitude;
  }
  return found;
}
