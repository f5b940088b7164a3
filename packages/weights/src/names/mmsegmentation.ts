/**
 * Names of mmsegmentation's BEiT (mmseg 1.2.2, models/backbones/beit.py, models/necks/featurepyramid.py), which are not
 * those of the official code's segmenters: its blocks are `layers`, with the norms and the feed-forward network of mmcv.
 */
import type { NamedTensors } from '@beit/tensors';
import { isNoParameter } from './official';
import { setUnique } from './setUnique';

/** `[mmsegmentation, official]`, in a block. */
const BLOCK: readonly (readonly [string, string])[] = [
  ['ln1.', 'norm1.'],
  ['ln2.', 'norm2.'],
  ['ffn.layers.0.0.', 'mlp.fc1.'],
  ['ffn.layers.1.', 'mlp.fc2.'],
];

/** Outside of the blocks. */
const MODEL: readonly (readonly [string, string])[] = [
  ['patch_embed.projection.', 'patch_embed.proj.'],
  ['neck.upsample_4x.', 'fpn1.'],
  ['neck.upsample_2x.', 'fpn2.'],
];

const WRAPPERS = /^(?:module\.)?(?:backbone\.)?/;

/** Whether tensors are those of mmsegmentation's BEiT: no other has its feed-forward network. */
export const hasMmsegmentationNames = (tensors: NamedTensors): boolean =>
  Object.keys(tensors).some((name) => /^layers\.\d+\.ffn\.layers\./.test(name.replace(WRAPPERS, '')));

/**
 * mmsegmentation's parameters under the official names; `module.` and `backbone.` in front go, and buffers that are no
 * parameters are left out. What its converter of official files leaves beside the new names
 * (tools/model_converters/beit2mmseg.py: `patch_embed.proj`) is left out too, as mmsegmentation does.
 *
 * @throws Error for a norm behind the last block (`final_norm`), which no official segmenter has
 */
export function fromMmsegmentation(tensors: NamedTensors): NamedTensors {
  const out: NamedTensors = Object.create(null);
  const isConverted = Object.keys(tensors).some((name) => /(?:^|\.)patch_embed\.projection\./.test(name));
  for (const [name, tensor] of Object.entries(tensors)) {
    if (isNoParameter(name)) continue;
    const inner = name.replace(WRAPPERS, '');
    if (/^ln\d\./.test(inner))
      throw new Error(
        `"${name}" is a norm behind the last block (final_norm of mmsegmentation), which is not computed here; expected a backbone without.`,
      );
    if (isConverted && inner.startsWith('patch_embed.proj.')) continue;
    const block = /^layers\.(\d+)\.(.+)$/.exec(inner);
    const official = block ? `blocks.${block[1]}.${renamed(block[2]!, BLOCK)}` : renamed(inner, MODEL);
    setUnique(out, official, tensor);
  }
  return out;
}

function renamed(name: string, rows: readonly (readonly [string, string])[]): string {
  const row = rows.find(([from]) => name.startsWith(from));
  return row ? row[1] + name.slice(row[0].length) : name;
}
