/**
 * Names of the DALL-E tokenizer's encoder in Hugging Face's FLAVA (`FlavaImageCodebook`, models/flava/modeling_flava.py
 * of 5.23.0; file: facebook/flava-image-codebook). The official names, which are this project's, are those of openai/DALL-E
 * (encoder.py, utils.py); OpenMMLab's `dalle_encoder` has them too. FLAVA has no decoder. Layouts are the same.
 */
import type { NamedTensors } from '@beit/tensors';
import { setUnique } from './setUnique';

/** `image_codebook.` in front (a whole FLAVA model) is optional; every other tensor of such a model is left out. */
export function fromFlava(tensors: NamedTensors): NamedTensors {
  const out: NamedTensors = Object.create(null);
  for (const [name, tensor] of Object.entries(tensors)) {
    const inner = name.replace(/^image_codebook\./, '');
    if (!inner.startsWith('blocks.')) continue;
    setUnique(
      out,
      inner
        .replace(/^(blocks\.group_\d+)\.group\./, '$1.')
        .replace('.res_path.path.', '.res_path.')
        .replace(/\.weight$/, '.w')
        .replace(/\.bias$/, '.b'),
      tensor,
    );
  }
  if (Object.keys(out).length === 0) {
    throw new Error('No tensor is named "blocks...": this is not a FLAVA image codebook.');
  }
  return out;
}

/** Encoder parameters (`blocks.input.w`, ...: no `encoder.` in front) under FLAVA's names. */
export function toFlava(tensors: NamedTensors): NamedTensors {
  const out: NamedTensors = Object.create(null);
  for (const [name, tensor] of Object.entries(tensors)) {
    if (!name.startsWith('blocks.')) {
      throw new Error(`"${name}" is not an encoder parameter; expected names like "blocks.input.w".`);
    }
    setUnique(
      out,
      name
        .replace(/^(blocks\.group_\d+)\./, '$1.group.')
        .replace('.res_path.', '.res_path.path.')
        .replace(/\.w$/, '.weight')
        .replace(/\.b$/, '.bias'),
      tensor,
    );
  }
  return out;
}
