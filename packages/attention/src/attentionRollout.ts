import type { LayerAttention } from './layerAttention';

export interface RolloutOptions {
  /** Share of a token that a layer leaves where it is, for the residual connection, [0, 1]. Default 0.5. */
  readonly residual?: number;
}

/**
 * How much of each token of the input is in each token behind the last layer, if heads were averaged and values only mixed:
 * the product of all layers' attention with the residual connections. Paper: Abnar and Zuidema, arXiv 2005.00928, section 3.
 *
 * @param layers of one image, first layer first
 * @returns `[tokens, tokens]`; rows sum to 1
 * @throws RangeError when there is no layer, they differ in size, or `residual` is no share
 */
export function attentionRollout(
  layers: readonly LayerAttention[],
  { residual = 0.5 }: RolloutOptions = {},
): Float32Array {
  const tokens = layers[0]?.shape[2];
  if (tokens === undefined) throw new RangeError('There is no layer to roll out.');
  if (!(residual >= 0 && residual <= 1))
    throw new RangeError(`residual is ${residual}; expected a number from 0 to 1.`);
  let product = mixing(layers[0]!, residual);
  for (const layer of layers.slice(1)) {
    if (layer.shape[1] !== tokens || layer.shape[2] !== tokens)
      throw new RangeError(`A layer has [${layer.shape}]; expected [numHeads, ${tokens}, ${tokens}].`);
    product = multiply(mixing(layer, residual), product, tokens);
  }
  return Float32Array.from(product);
}

/** The mean of the heads, and the residual connection. */
function mixing(
  { shape: [numHeads, queries, tokens], data }: LayerAttention,
  residual: number,
): Float64Array {
  const size = queries * tokens;
  const mean = new Float64Array(size);
  for (let i = 0; i < numHeads * size; i++) mean[i % size]! += ((1 - residual) * data[i]!) / numHeads;
  for (let token = 0; token < queries; token++) mean[token * tokens + token]! += residual;
  return mean;
}

function multiply(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const product = new Float64Array(size * size);
  for (let i = 0; i < size; i++)
    for (let k = 0; k < size; k++) {
      const weight = a[i * size + k]!;
      for (let j = 0; j < size; j++) product[i * size + j]! += weight * b[k * size + j]!;
    }
  return product;
}
