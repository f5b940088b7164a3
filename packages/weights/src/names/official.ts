/**
 * Names of the official BEiT checkpoints (microsoft/unilm, beit/modeling_pretrain.py and modeling_finetune.py
 * @768a3c8), which are this project's own, and of timm's (1.0.31, models/beit.py), which differ only in what is stored.
 */
import type { NamedTensors } from '../hostTensor';
import { setUnique } from './setUnique';

/**
 * Official or timm parameters as this project wants them: the wrapper's prefix is stripped when every name has it
 * (`module.` of DistributedDataParallel, `model.` of a flattened checkpoint), and the index buffers
 * `relative_position_index`, which follow from the grid, are left out. Names that are not BEiT's pass unchanged.
 */
export function fromOfficial(tensors: NamedTensors): NamedTensors {
  const names = Object.keys(tensors);
  const wrapper =
    ['module.', 'model.'].find((prefix) => names.every((name) => name.startsWith(prefix))) ?? '';
  const out: NamedTensors = Object.create(null);
  for (const [name, tensor] of Object.entries(tensors)) {
    if (!name.endsWith('relative_position_index')) setUnique(out, name.slice(wrapper.length), tensor);
  }
  return out;
}

/** timm's checkpoints have the official names and no index buffers. */
export const fromTimm = fromOfficial;

/** For timm, whose classifiers and feature extractors have no `mask_token` and no vocabulary head (`lm_head.*`). */
export function toTimm(tensors: NamedTensors): NamedTensors {
  const out: NamedTensors = Object.create(null);
  for (const [name, tensor] of Object.entries(tensors)) {
    if (name !== 'mask_token' && !name.startsWith('lm_head.')) setUnique(out, name, tensor);
  }
  return out;
}
