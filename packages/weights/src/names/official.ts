/**
 * Names of the official BEiT checkpoints (microsoft/unilm, beit/modeling_pretrain.py and modeling_finetune.py
 * @768a3c8), which are this project's own; of those for segmentation (beit/semantic_segmentation: a backbone and the heads
 * of mmsegmentation); and of timm's (1.0.31, models/beit.py), which differ only in what is stored.
 */
import type { NamedTensors } from '@beit/tensors';
import { setUnique } from './setUnique';

/** The index follows from the grid; the count is kept by PyTorch's batch norm, and nothing here needs it. */
export const isNoParameter = (name: string): boolean =>
  name.endsWith('relative_position_index') || name.endsWith('.num_batches_tracked');

const BACKBONE = 'backbone.';
const SEGMENTATION_HEAD = /^(neck|decode_head|auxiliary_head)\./;

/**
 * Official or timm parameters as this project wants them: the wrapper's prefix is stripped when every name has it
 * (`module.` of DistributedDataParallel, `model.` of a flattened checkpoint), and mmsegmentation's `backbone.`; buffers that
 * are no parameters (`relative_position_index`, `num_batches_tracked`) are left out. Names that are not BEiT's pass unchanged.
 */
export function fromOfficial(tensors: NamedTensors): NamedTensors {
  const names = Object.keys(tensors);
  const wrapper =
    ['module.', 'model.'].find((prefix) => names.every((name) => name.startsWith(prefix))) ?? '';
  const out: NamedTensors = Object.create(null);
  for (const [name, tensor] of Object.entries(tensors)) {
    const inner = name.slice(wrapper.length);
    if (!isNoParameter(inner))
      setUnique(out, inner.startsWith(BACKBONE) ? inner.slice(BACKBONE.length) : inner, tensor);
  }
  return out;
}

/** A segmenter's parameters as mmsegmentation has them: `backbone.blocks.0...`, `decode_head...`. */
export const toMmsegmentation = (tensors: NamedTensors): NamedTensors =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      SEGMENTATION_HEAD.test(name) ? name : BACKBONE + name,
      tensor,
    ]),
  );

/**
 * timm's checkpoints have the official names and no index buffers.
 *
 * @alias fromOfficial
 */
export const fromTimm = fromOfficial;

/** For timm, whose classifiers and feature extractors have no `mask_token` and no vocabulary head (`lm_head.*`). */
export function toTimm(tensors: NamedTensors): NamedTensors {
  const out: NamedTensors = Object.create(null);
  for (const [name, tensor] of Object.entries(tensors)) {
    if (name !== 'mask_token' && !name.startsWith('lm_head.')) setUnique(out, name, tensor);
  }
  return out;
}
