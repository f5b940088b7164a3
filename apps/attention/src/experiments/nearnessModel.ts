import type { LayerAttention } from '@beit/attention';
import type { AttentionModel } from '../attentionModel';

/** Attention that knows nothing but distances: the yardstick, for what is near is often of the same object. */
export function nearnessModel(size: number, side: number): AttentionModel {
  const tokens = side * side + 1;
  const layer: LayerAttention = { shape: [1, tokens, tokens], data: nearness(side) };
  return {
    size,
    gridSize: [side, side],
    depth: 1,
    numHeads: 1,
    engine: 'none',
    attention: async () => [layer],
    dispose: async () => {},
  };
}

/** `exp(-distance)` from patch to patch; the cls token looks nowhere. */
function nearness(side: number): Float32Array {
  const tokens = side * side + 1;
  const data = new Float32Array(tokens * tokens);
  for (let query = 1; query < tokens; query++)
    for (let key = 1; key < tokens; key++) {
      const down = Math.floor((query - 1) / side) - Math.floor((key - 1) / side);
      const across = ((query - 1) % side) - ((key - 1) % side);
      data[query * tokens + key] = Math.exp(-Math.hypot(down, across));
    }
  return data;
}
