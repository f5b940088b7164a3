/**
 * Names of Hugging Face transformers' BEiT, read from models/beit/modeling_beit.py and conversion_mapping.py of 5.23.0.
 * "4" is what every file on the hub holds (transformers 5 converts on load and on save); "5" is what a model of
 * transformers 5 has in memory (`model.state_dict()`).
 */
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { isNoParameter } from './official';
import { setUnique } from './setUnique';

export interface ToTransformersOptions {
  /** 4: as stored in files, which both versions load. 5: as in memory in transformers 5. */
  readonly version: 4 | 5;
}

/** Rows are [official, transformers 4, transformers 5]; a row names a tensor, or the part before `.weight` and `.bias`. */
type Row = readonly [official: string, version4: string, version5: string];

const MODEL: readonly Row[] = [
  ['cls_token', 'embeddings.cls_token', 'embeddings.cls_token'],
  ['mask_token', 'embeddings.mask_token', 'embeddings.mask_token'],
  ['pos_embed', 'embeddings.position_embeddings', 'embeddings.position_embeddings'],
  ['patch_embed.proj', 'embeddings.patch_embeddings.projection', 'embeddings.patch_embeddings.projection'],
  ['rel_pos_bias', 'encoder.relative_position_bias', 'shared_position_bias'],
  ['norm', 'layernorm', 'layernorm'],
  ['fc_norm', 'pooler.layernorm', 'pooler.layernorm'],
];

const BLOCK: readonly Row[] = [
  ['norm1', 'layernorm_before', 'layernorm_before'],
  ['norm2', 'layernorm_after', 'layernorm_after'],
  ['attn.query', 'attention.attention.query', 'attention.q_proj'],
  ['attn.key', 'attention.attention.key', 'attention.k_proj'],
  ['attn.value', 'attention.attention.value', 'attention.v_proj'],
  [
    'attn.relative_position_bias_table',
    'attention.attention.relative_position_bias.relative_position_bias_table',
    'relative_position_bias.relative_position_bias_table',
  ],
  ['attn.proj', 'attention.output.dense', 'attention.o_proj'],
  ['gamma_1', 'lambda_1', 'lambda_1'],
  ['gamma_2', 'lambda_2', 'lambda_2'],
  ['mlp.fc1', 'intermediate.dense', 'mlp.fc1'],
  ['mlp.fc2', 'output.dense', 'mlp.fc2'],
];

/** Heads of segmentation have mmsegmentation's names in files, but for the classifiers. */
const HEADS: readonly Row[] = [
  ['head', 'classifier', 'classifier'],
  ['decode_head.conv_seg', 'decode_head.classifier', 'decode_head.classifier'],
  ['auxiliary_head.conv_seg', 'auxiliary_head.classifier', 'auxiliary_head.classifier'],
];

const OFFICIAL = 0;
type Column = 0 | 1 | 2;

/**
 * transformers 4 or 5 names (told apart per tensor) to the official ones; `beit.` in front is optional, as in a bare
 * `BeitModel`. Query, key and value weights `[dim, dim]` become one `attn.qkv.weight` `[3 * dim, dim]`, and
 * Buffers that are no parameters (`relative_position_index`, `num_batches_tracked`) are left out. Names that are not BEiT's
 * pass unchanged.
 * Errors: a block with only some of query, key and value, or with different shapes; two tensors for one name.
 */
export function fromTransformers(tensors: NamedTensors): NamedTensors {
  const out: NamedTensors = Object.create(null);
  for (const [name, tensor] of Object.entries(tensors)) {
    if (isNoParameter(name)) continue;
    const official = officialName(name);
    const part = /^(blocks\.\d+\.attn\.)(query|key|value)\.(weight|bias)$/.exec(official);
    if (part === null) setUnique(out, official, tensor);
    else if (part[3] === 'weight') setUnique(out, official, tensor);
    else if (part[2] !== 'key') setUnique(out, `${part[1]}${part[2]![0]}_bias`, tensor);
    else throw new Error(`"${name}": BEiT's keys have no bias; this is another model's checkpoint.`);
  }
  return mergeQueryKeyValue(out);
}

/**
 * Official names to those of transformers, `beit.` in front. `attn.qkv.weight` `[3 * dim, dim]` is split into query,
 * key and value. The last norm goes to the top level in a masked-image model (one that has `lm_head.weight`) and into
 * `beit.` otherwise, as transformers has it. Names that are not BEiT's pass unchanged.
 * Error: a qkv weight whose rows are not a multiple of three.
 */
export function toTransformers(tensors: NamedTensors, { version }: ToTransformersOptions): NamedTensors {
  const column: Column = version === 4 ? 1 : 2;
  const layers = version === 4 ? 'beit.encoder.layer' : 'beit.layers';
  const out: NamedTensors = Object.create(null);
  for (const [name, tensor] of Object.entries(splitQueryKeyValue(tensors))) {
    const block = /^blocks\.(\d+)\.(.+)$/.exec(name);
    const inBlock = block && rename(BLOCK, block[2]!, OFFICIAL, column);
    const inModel = rename(MODEL, name, OFFICIAL, column);
    if (inBlock) setUnique(out, `${layers}.${block[1]}.${inBlock}`, tensor);
    else if (/^norm\./.test(name) && 'lm_head.weight' in tensors) setUnique(out, inModel!, tensor);
    else if (inModel) setUnique(out, `beit.${inModel}`, tensor);
    else setUnique(out, rename(HEADS, name, OFFICIAL, column) ?? name, tensor);
  }
  return out;
}

function officialName(name: string): string {
  const head = rename(HEADS, name, 1, OFFICIAL);
  if (head) return head;
  const inner = name.replace(/^beit\./, '');
  const block = /^(?:encoder\.layer|layers)\.(\d+)\.(.+)$/.exec(inner);
  if (block) {
    const inBlock = rename(BLOCK, block[2]!, 1, OFFICIAL) ?? rename(BLOCK, block[2]!, 2, OFFICIAL);
    return inBlock ? `blocks.${block[1]}.${inBlock}` : name;
  }
  return rename(MODEL, inner, 1, OFFICIAL) ?? rename(MODEL, inner, 2, OFFICIAL) ?? name;
}

function rename(rows: readonly Row[], name: string, from: Column, to: Column): string | undefined {
  const row = rows.find((candidate) => name === candidate[from] || name.startsWith(`${candidate[from]}.`));
  return row && row[to] + name.slice(row[from].length);
}

const PARTS = ['query', 'key', 'value'] as const;

function mergeQueryKeyValue(tensors: NamedTensors): NamedTensors {
  const out: NamedTensors = Object.create(null);
  for (const [name, tensor] of Object.entries(tensors)) {
    const part = /^(blocks\.\d+\.attn\.)(query|key|value)\.weight$/.exec(name);
    if (part === null) setUnique(out, name, tensor);
    else if (!(`${part[1]}qkv.weight` in out))
      setUnique(out, `${part[1]}qkv.weight`, merged(tensors, part[1]!));
  }
  return out;
}

function merged(tensors: NamedTensors, attention: string): HostTensor {
  const parts = PARTS.map((part) => {
    const tensor = tensors[`${attention}${part}.weight`];
    if (tensor === undefined)
      throw new Error(`${attention}qkv.weight cannot be made: the ${part} weight is missing.`);
    return tensor;
  });
  const [rows, columns] = parts[0]!.shape;
  for (const { shape, dtype } of parts) {
    if (dtype !== 'float32' || shape.length !== 2 || shape[0] !== rows || shape[1] !== columns) {
      throw new Error(
        `${attention}qkv.weight cannot be made: query, key and value must be float32 of one shape; got ${parts
          .map((part) => `${part.dtype} [${part.shape}]`)
          .join(', ')}.`,
      );
    }
  }
  const size = rows! * columns!;
  const data = new Float32Array(3 * size);
  parts.forEach((part, index) => {
    data.set(part.data, index * size);
  });
  return { dtype: 'float32', shape: [3 * rows!, columns!], data };
}

function splitQueryKeyValue(tensors: NamedTensors): NamedTensors {
  const out: NamedTensors = Object.create(null);
  for (const [name, tensor] of Object.entries(tensors)) {
    const qkv = /^(blocks\.\d+\.attn\.)(qkv\.weight|q_bias|v_bias)$/.exec(name);
    if (qkv === null) setUnique(out, name, tensor);
    else if (qkv[2] === 'q_bias') setUnique(out, `${qkv[1]}query.bias`, tensor);
    else if (qkv[2] === 'v_bias') setUnique(out, `${qkv[1]}value.bias`, tensor);
    else {
      const [rows, columns] = tensor.shape;
      if (tensor.shape.length !== 2 || rows! % 3 !== 0) {
        throw new Error(`"${name}" has shape [${tensor.shape}]; expected [3 * dim, dim].`);
      }
      const size = tensor.data.length / 3;
      PARTS.forEach((part, index) => {
        const data = tensor.data.slice(index * size, (index + 1) * size);
        setUnique<HostTensor>(out, `${qkv[1]}${part}.weight`, {
          ...tensor,
          shape: [rows! / 3, columns!],
          data,
        });
      });
    }
  }
  return out;
}
