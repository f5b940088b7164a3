import { layerDecay, layerId } from '../src/layerDecay';
import { decaysInBeit } from '../src/weightDecay';

test('layer ids of a base model, as in optim_factory.py', () => {
  const ids: [string, number][] = [
    ['cls_token', 0],
    ['mask_token', 0],
    ['pos_embed', 0],
    ['patch_embed.proj.weight', 0],
    ['blocks.0.attn.qkv.weight', 1],
    ['blocks.11.gamma_2', 12],
    ['rel_pos_bias.relative_position_bias_table', 13],
    ['norm.weight', 13],
    ['fc_norm.bias', 13],
    ['head.weight', 13],
    ['lm_head.weight', 13],
    ['backbone.blocks.3.norm1.weight', 4],
    ['backbone.cls_token', 0],
    ['decode_head.conv_seg.weight', 13],
  ];
  for (const [name, id] of ids) expect([name, layerId(name, 12)]).toEqual([name, id]);
  expect(() => layerId('blocks.12.norm1.weight', 12)).toThrow(/block 12, but depth is 12/);
});

test('layer decay: 1 for the head, rate^(depth + 1) for the patches', () => {
  const scale = layerDecay({ rate: 0.65, depth: 12 });
  expect(scale('head.weight')).toBe(1);
  expect(scale('blocks.11.norm1.weight')).toBe(0.65);
  expect(scale('patch_embed.proj.weight')).toBeCloseTo(0.65 ** 13, 12);
  expect(() => layerDecay({ rate: 0, depth: 1 })).toThrow(/rate is 0/);
});

test('weight decay exclusions', () => {
  const decayed = ([name, shape]: [string, number[]]) => decaysInBeit(name, shape);
  const excluded: [string, number[]][] = [
    ['blocks.0.norm1.weight', [8]],
    ['blocks.0.gamma_1', [8]],
    ['blocks.0.attn.q_bias', [8]],
    ['x.bias', [2, 2]],
    ['pos_embed', [1, 5, 8]],
    ['cls_token', [1, 1, 8]],
  ];
  const included: [string, number[]][] = [
    ['blocks.0.attn.qkv.weight', [24, 8]],
    ['mask_token', [1, 1, 8]],
    ['rel_pos_bias.relative_position_bias_table', [52, 4]],
  ];
  expect(excluded.filter(decayed)).toEqual([]);
  expect(included.filter((entry) => !decayed(entry))).toEqual([]);
});
