import type { HostTensor, NamedTensors } from '@beit/tensors';
import { loadSafetensors } from '../src/loadSafetensors';
import { fromFlava, toFlava } from '../src/names/flava';
import { fromOfficial, fromTimm, toMmsegmentation, toTimm } from '../src/names/official';
import { withoutPrefix, withPrefix } from '../src/names/prefix';
import { fromTransformers, toTransformers } from '../src/names/transformers';

const vector = (...values: number[]): HostTensor => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});
const named = (...names: string[]): NamedTensors =>
  Object.fromEntries(names.map((name, i) => [name, vector(i)]));
const load = async (name: string) => (await loadSafetensors(`fixtures/${name}.safetensors`)).tensors;
const plain = <T>(tensors: Record<string, T>) => ({ ...tensors });

describe('transformers', () => {
  test('the classifier under the names of transformers 5 is the official one, and back', async () => {
    const official = withoutPrefix(await load('classify'), 'param.');
    const theirs = await load('classify-transformers-names');
    expect(Object.keys(theirs).length).toBeGreaterThan(40);
    expect(plain(fromTransformers(theirs))).toEqual(plain(official));
    expect(plain(toTransformers(official, { version: 5 }))).toEqual(plain(theirs));
  });

  test.each(['classify', 'mim-abs', 'mim-rel'])('%s: there and back, both versions', async (fixture) => {
    const official = withoutPrefix(await load(fixture), 'param.');
    for (const version of [4, 5] as const) {
      const theirs = toTransformers(official, { version });
      expect(Object.keys(theirs).some((name) => name.includes('qkv') || name.startsWith('blocks.'))).toBe(
        false,
      );
      expect(plain(fromTransformers(theirs))).toEqual(plain(official));
    }
  });

  // The names of microsoft/beit-base-patch16-224-pt22k (masked-image model) and -224 (classifier) on the hub.
  test('version 4, name by name', () => {
    const official = {
      ...named(
        'cls_token',
        'mask_token',
        'pos_embed',
        'patch_embed.proj.weight',
        'norm.weight',
        'lm_head.weight',
      ),
      ...named('rel_pos_bias.relative_position_bias_table', 'blocks.11.norm1.weight', 'blocks.11.norm2.bias'),
      ...named(
        'blocks.11.attn.q_bias',
        'blocks.11.attn.v_bias',
        'blocks.11.attn.proj.weight',
        'blocks.11.gamma_1',
      ),
      ...named(
        'blocks.11.mlp.fc1.weight',
        'blocks.11.mlp.fc2.bias',
        'blocks.11.attn.relative_position_bias_table',
      ),
    };
    const layer = 'beit.encoder.layer.11';
    expect(Object.keys(toTransformers(official, { version: 4 }))).toEqual([
      'beit.embeddings.cls_token',
      'beit.embeddings.mask_token',
      'beit.embeddings.position_embeddings',
      'beit.embeddings.patch_embeddings.projection.weight',
      'layernorm.weight',
      'lm_head.weight',
      'beit.encoder.relative_position_bias.relative_position_bias_table',
      `${layer}.layernorm_before.weight`,
      `${layer}.layernorm_after.bias`,
      `${layer}.attention.attention.query.bias`,
      `${layer}.attention.attention.value.bias`,
      `${layer}.attention.output.dense.weight`,
      `${layer}.lambda_1`,
      `${layer}.intermediate.dense.weight`,
      `${layer}.output.dense.bias`,
      `${layer}.attention.attention.relative_position_bias.relative_position_bias_table`,
    ]);
    expect(
      Object.keys(toTransformers(named('norm.weight', 'fc_norm.bias', 'head.weight'), { version: 4 })),
    ).toEqual(['beit.layernorm.weight', 'beit.pooler.layernorm.bias', 'classifier.weight']);
  });

  test('a bare model without "beit.", index buffers, heads of segmentation', () => {
    const theirs = named(
      'embeddings.cls_token',
      'encoder.layer.0.lambda_2',
      'encoder.layer.0.attention.attention.relative_position_bias.relative_position_index',
      'fpn1.0.weight',
      'fpn1.1.num_batches_tracked',
      'decode_head.psp_modules.0.1.conv.weight',
      'decode_head.classifier.weight',
      'auxiliary_head.classifier.bias',
    );
    expect(Object.keys(fromTransformers(theirs))).toEqual([
      'cls_token',
      'blocks.0.gamma_2',
      'fpn1.0.weight',
      'decode_head.psp_modules.0.1.conv.weight',
      'decode_head.conv_seg.weight',
      'auxiliary_head.conv_seg.bias',
    ]);
  });

  test('query, key and value are stacked in this order', () => {
    const matrix = (value: number): HostTensor => ({
      dtype: 'float32',
      shape: [1, 2],
      data: Float32Array.of(value, value),
    });
    const attention = 'beit.layers.0.attention.';
    const { 'blocks.0.attn.qkv.weight': qkv } = fromTransformers({
      [`${attention}v_proj.weight`]: matrix(3),
      [`${attention}q_proj.weight`]: matrix(1),
      [`${attention}k_proj.weight`]: matrix(2),
    });
    expect(qkv).toEqual({ dtype: 'float32', shape: [3, 2], data: Float32Array.of(1, 1, 2, 2, 3, 3) });
  });

  test('what cannot be converted is an error that names it', () => {
    const attention = 'beit.layers.0.attention.';
    const matrix = (rows: number): HostTensor => ({
      dtype: 'float32',
      shape: [rows, 1],
      data: new Float32Array(rows),
    });
    expect(() => fromTransformers({ [`${attention}q_proj.weight`]: matrix(2) })).toThrow(
      /blocks\.0.*key weight is missing/,
    );
    expect(() =>
      fromTransformers({
        [`${attention}q_proj.weight`]: matrix(2),
        [`${attention}k_proj.weight`]: matrix(1),
        [`${attention}v_proj.weight`]: matrix(2),
      }),
    ).toThrow(/one shape/);
    expect(() => fromTransformers(named(`${attention}k_proj.bias`))).toThrow(/keys have no bias/);
    expect(() => fromTransformers(named('beit.embeddings.cls_token', 'embeddings.cls_token'))).toThrow(
      /both be named "cls_token"/,
    );
    expect(() => toTransformers({ 'blocks.0.attn.qkv.weight': matrix(4) }, { version: 4 })).toThrow(
      /3 \* dim/,
    );
  });
});

test('mmsegmentation: the backbone’s names have a prefix, counts of batches go', () => {
  const params = named(
    'blocks.0.norm1.weight',
    'fpn2.0.bias',
    'decode_head.conv_seg.weight',
    'auxiliary_head.0.norm.bias',
  );
  const theirs = toMmsegmentation(params);
  expect(Object.keys(theirs)).toEqual([
    'backbone.blocks.0.norm1.weight',
    'backbone.fpn2.0.bias',
    'decode_head.conv_seg.weight',
    'auxiliary_head.0.norm.bias',
  ]);
  const count = named('backbone.fpn1.1.num_batches_tracked');
  expect(plain(fromOfficial({ ...theirs, ...count }))).toEqual(params);
});

test('official and timm: a wrapper in front and index buffers go', () => {
  const wrapped = named(
    'module.cls_token',
    'module.blocks.0.attn.relative_position_index',
    'module.head.weight',
  );
  expect(Object.keys(fromOfficial(wrapped))).toEqual(['cls_token', 'head.weight']);
  expect(Object.keys(fromTimm(named('cls_token', 'model.x')))).toEqual(['cls_token', 'model.x']);
  expect(Object.keys(toTimm(named('cls_token', 'mask_token', 'lm_head.bias', 'norm.bias')))).toEqual([
    'cls_token',
    'norm.bias',
  ]);
});

describe('FLAVA', () => {
  test('the encoder there and back', async () => {
    const encoder = withoutPrefix(await load('dvae'), 'encoder.');
    const theirs = toFlava(encoder);
    expect(Object.keys(theirs)).toContain('blocks.group_2.group.block_1.res_path.path.conv_1.weight');
    expect(Object.keys(theirs)).toContain('blocks.group_2.group.block_1.id_path.weight');
    expect(Object.keys(theirs)).toContain('blocks.input.bias');
    expect(Object.keys(theirs)).toContain('blocks.output.conv.weight');
    expect(plain(fromFlava(theirs))).toEqual(plain(encoder));
    expect(plain(fromFlava(withPrefix(theirs, 'image_codebook.')))).toEqual(plain(encoder));
  });

  test('another model is an error', () => {
    expect(() => fromFlava(named('text_model.embeddings.weight'))).toThrow(/not a FLAVA image codebook/);
    expect(() => toFlava(named('encoder.blocks.input.w'))).toThrow(/not an encoder parameter/);
  });
});

test('prefixes', () => {
  expect(plain(withoutPrefix({ 'a.x': 1, 'b.y': 2 }, 'a.'))).toEqual({ x: 1 });
  expect(plain(withPrefix({ x: 1 }, 'a.'))).toEqual({ 'a.x': 1 });
  expect(() => withoutPrefix({ 'a.__proto__': 1 }, 'a.')).toThrow(/__proto__/);
});
