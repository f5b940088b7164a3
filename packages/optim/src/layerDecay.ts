/**
 * Layer-wise learning rates of fine-tuning: parameters of layer `id` learn at `rate ** (depth + 1 - id)` of the
 * schedule's rate. Paper: BEiT, table 13. Reference: microsoft/unilm beit/optim_factory.py @768a3c8.
 */
export interface LayerDecayConfig {
  /** Factor from one layer to the one below, (0, 1]. BEiT: 0.65 base, 0.75 large on ImageNet-1k. */
  readonly rate: number;
  /** Number of transformer blocks. */
  readonly depth: number;
}

/**
 * 0 for what comes before the blocks (`cls_token`, `mask_token`, `pos_embed`, `patch_embed.*`), n + 1 for `blocks.n`,
 * depth + 1 for everything else (heads, final norms, the shared relative position bias). `backbone.` in front is fine.
 */
export function layerId(name: string, depth: number): number {
  const inner = name.replace(/^backbone\./, '');
  if (/^(cls_token|mask_token|pos_embed)$/.test(inner) || inner.startsWith('patch_embed.')) return 0;
  const block = /^blocks\.(\d+)\./.exec(inner);
  if (block === null) return depth + 1;
  const id = Number(block[1]) + 1;
  if (id > depth) throw new RangeError(`"${name}" is in block ${id - 1}, but depth is ${depth}.`);
  return id;
}

/** The factor on the learning rate by parameter name; for `adamW`'s `learningRateScale`. */
export function layerDecay({ rate, depth }: LayerDecayConfig): (name: string) => number {
  if (!(rate > 0 && rate <= 1))
    throw new RangeError(`Layer decay rate is ${rate}; expected a number in (0, 1].`);
  return (name) => rate ** (depth + 1 - layerId(name, depth));
}
