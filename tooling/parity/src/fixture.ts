import type { HostTensor, NamedTensors } from '@beit/tensors';
import { loadSafetensors } from '@beit/weights';

/** A fixture file: named arrays by their first name (`param`, `grad`, `input`, `output`, ...), and its metadata as JSON. */
export interface Fixture {
  readonly tensors: NamedTensors;
  /** The tensors whose names begin with `prefix.`, without it. */
  group(prefix: string): NamedTensors;
  tensor(name: string): HostTensor;
  has(name: string): boolean;
  meta<T>(name: string): T;
}

export async function loadFixture(path: string): Promise<Fixture> {
  const { tensors, metadata } = await loadSafetensors(path);
  const group = (prefix: string) =>
    Object.fromEntries(
      Object.entries(tensors)
        .filter(([name]) => name.startsWith(`${prefix}.`))
        .map(([name, tensor]) => [name.slice(prefix.length + 1), tensor]),
    );
  return {
    tensors,
    group,
    tensor(name) {
      const tensor = tensors[name];
      if (!tensor) throw new Error(`${path} has no tensor '${name}'.`);
      return tensor;
    },
    has: (name) => name in tensors,
    meta<T>(name: string): T {
      const value = metadata[name];
      if (value === undefined) throw new Error(`${path} has no metadata '${name}'.`);
      return JSON.parse(value) as T;
    },
  };
}

/** Those of some names. */
export const chosen = (tensors: NamedTensors, choose: (name: string) => boolean): NamedTensors =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => choose(name)));

/** `[batch, channels, height, width]` as `[batch, height, width, channels]`. */
export function toChannelsLast({ dtype, shape, data }: HostTensor): HostTensor {
  const [n, c, h, w] = shape as [number, number, number, number];
  const result = data.slice();
  for (let b = 0; b < n; b++)
    for (let k = 0; k < c; k++)
      for (let i = 0; i < h * w; i++) result[(b * h * w + i) * c + k] = data[(b * c + k) * h * w + i]!;
  return { dtype, shape: [n, h, w, c], data: result };
}

/** Largest difference relative to the largest magnitude expected. */
export function relativeError(actual: HostTensor, expected: HostTensor): number {
  if (actual.data.length !== expected.data.length) {
    throw new Error(`Computed [${actual.shape}] where the fixture has [${expected.shape}].`);
  }
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const error = Math.abs(actual.data[i]! - expected.data[i]!);
    if (!(error <= difference)) difference = error;
    magnitude = Math.max(magnitude, Math.abs(expected.data[i]!));
  }
  return magnitude === 0 ? difference : difference / magnitude;
}

/** Share of elements that are not equal. */
export const shareOfDifferent = (actual: HostTensor, expected: HostTensor): number =>
  [...expected.data].filter((x, i) => x !== actual.data[i]).length / expected.data.length;

/** The largest relative error over named tensors; every expected name must be there. */
export function largestError(actual: NamedTensors, expected: NamedTensors): number {
  return Math.max(
    ...Object.entries(expected).map(([name, tensor]) => {
      const own = actual[name];
      if (!own) throw new Error(`Nothing was computed for '${name}'.`);
      return relativeError(own, tensor);
    }),
  );
}
