import { dropPathRates } from '@beit/nn';
import type { Random } from '@beit/random';
import type { HostTensor } from '@beit/tensors';
import type { ResolvedVitConfig } from './vitConfig';

/** Which residual branches of which images are kept in one step: `[depth, 2, batch]` of 0 and 1, for `encode`. */
export function drawDropPathKeeps(
  { depth, dropPathRate }: ResolvedVitConfig,
  batch: number,
  random: Random,
): HostTensor {
  const rates = dropPathRates(dropPathRate, depth);
  const data = Float32Array.from({ length: depth * 2 * batch }, (_, i) =>
    random.uniform() < rates[Math.floor(i / (2 * batch))]! ? 0 : 1,
  );
  return { dtype: 'float32', shape: [depth, 2, batch], data };
}
