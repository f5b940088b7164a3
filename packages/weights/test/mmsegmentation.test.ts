import { join } from 'node:path';
import { labelsOf } from '../src/checkpoint/labelsOf';
import { mmsegmentationNormalization } from '../src/checkpoint/mmsegmentationConfig';
import { pythonConfig } from '../src/checkpoint/pythonConfig';
import {
  fromMmsegmentation,
  loadCheckpoint,
  mmsegmentationLayerNormEpsilon,
  type NamedTensors,
} from '../src/index';

const fixture = join(__dirname, 'fixtures/mmsegmentation.pth');
const named = (...names: string[]): NamedTensors =>
  Object.fromEntries(
    names.map((name, i) => [name, { dtype: 'float32', shape: [1], data: Float32Array.of(i) }] as const),
  );

test('a file that mmengine saved while it trained: official names, and what it says of itself', async () => {
  const { tensors, format, config, labels, normalization, dropped } = await loadCheckpoint(fixture);
  expect(format).toBe('mmsegmentation');
  expect(Object.keys(tensors).filter((name) => name.startsWith('blocks.3.'))).toEqual(
    [
      'gamma_1',
      'gamma_2',
      'norm1.weight',
      'norm1.bias',
      'attn.q_bias',
      'attn.v_bias',
      'attn.relative_position_bias_table',
      'attn.qkv.weight',
      'attn.proj.weight',
      'attn.proj.bias',
      'norm2.weight',
      'norm2.bias',
      'mlp.fc1.weight',
      'mlp.fc1.bias',
      'mlp.fc2.weight',
      'mlp.fc2.bias',
    ].map((name) => `blocks.3.${name}`),
  );
  expect(tensors).toHaveProperty(['patch_embed.proj.weight']);
  expect(tensors).toHaveProperty(['fpn1.3.weight']);
  expect(tensors).toHaveProperty(['fpn2.0.weight']);
  expect(config).toMatchObject({
    model: { backbone: { type: 'BEiT', out_indices: [0, 1, 2, 3], norm_cfg: { eps: 1e-4, type: 'LN' } } },
  });
  expect(labels).toEqual({
    classes: ['wall', 'bed', 'sky'],
    palette: [
      [120, 120, 120],
      [204, 5, 255],
      [6, 230, 230],
    ],
  });
  expect(normalization).toEqual({ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] });
  expect(dropped).toEqual(['meta', 'message_hub']);
});

describe('names', () => {
  test('what the converter of official files leaves beside the new names goes', () => {
    const converted = named(
      'patch_embed.projection.weight',
      'patch_embed.proj.weight',
      'layers.0.ffn.layers.1.bias',
    );
    const official = fromMmsegmentation(converted);
    expect(Object.keys(official)).toEqual(['patch_embed.proj.weight', 'blocks.0.mlp.fc2.bias']);
    expect(official['patch_embed.proj.weight']).toBe(converted['patch_embed.projection.weight']);
  });

  test('a norm behind the last block is refused', () => {
    expect(() => fromMmsegmentation(named('backbone.ln1.weight'))).toThrow(/final_norm/);
  });
});

describe('a configuration', () => {
  test('is assignments of plain data', () => {
    const text = `
# What it was trained with.
crop = (640, 512)
model = dict(  # a comment
    depth=-12, rate=1e-06, half=.5, last=True, nothing=None,
    parts=[dict(type='it\\'s', name="x"), {'a': [], 'b': ()}],
)
`;
    expect(pythonConfig(text)).toEqual({
      crop: [640, 512],
      model: {
        depth: -12,
        rate: 1e-6,
        half: 0.5,
        last: true,
        nothing: null,
        parts: [
          { type: "it's", name: 'x' },
          { a: [], b: [] },
        ],
      },
    });
    expect(pythonConfig('')).toEqual({});
  });

  test.each([
    'import os',
    "x = __import__('os')",
    'x = y',
    'x = 1 + 1',
    'x = [1, 2',
    'x = dict(1)',
    'x = dict(a=1 b=2)',
    'x =',
    "x = 'no end",
    'x = @',
    `x = ${'['.repeat(1000)}${']'.repeat(1000)}`,
    `x = ${'#'.repeat(2 ** 20)}`,
  ])('%.40s is not read', (text) => {
    expect(pythonConfig(text)).toBeUndefined();
  });

  test('with channels in another order is refused', () => {
    const mean = [123.675, 116.28, 103.53];
    const std = [58.395, 57.12, 57.375];
    expect(() => mmsegmentationNormalization({ img_norm_cfg: { mean, std, to_rgb: false } })).toThrow(
      /bgr_to_rgb/,
    );
    const { mean: read } = mmsegmentationNormalization({ img_norm_cfg: { mean, std, to_rgb: true } })!;
    [0.485, 0.456, 0.406].forEach((value, i) => {
      expect(read[i]).toBeCloseTo(value, 12);
    });
  });
});

describe('classes', () => {
  test('of versions before 1, names folded', () => {
    expect(labelsOf({ CLASSES: ['bed ', 'television\n  receiver'], PALETTE: null })).toEqual({
      classes: ['bed', 'television receiver'],
    });
    expect(labelsOf({ CLASSES: null })).toBeUndefined();
    expect(labelsOf({})).toBeUndefined();
  });

  test('that are none are an error', () => {
    expect(() => labelsOf({ CLASSES: 'wall' })).toThrow(/its classes are "wall"/);
    expect(() => labelsOf({ dataset_meta: { classes: ['a', 3] } })).toThrow(/list of names/);
    expect(() => labelsOf({ CLASSES: ['a', 'b'], PALETTE: [[1, 2, 3]] })).toThrow(/1 colours for 2 classes/);
  });
});

test('layer norms are as the configuration says, or mmcv', () => {
  const epsilon = (norm: object | undefined) =>
    mmsegmentationLayerNormEpsilon({ model: { backbone: { ...(norm && { norm_cfg: norm }) } } });
  expect(epsilon({ type: 'LN', eps: 1e-6 })).toBe(1e-6);
  expect(epsilon({ type: 'LN' })).toBe(1e-5);
  expect(epsilon(undefined)).toBeUndefined();
  expect(mmsegmentationLayerNormEpsilon({})).toBeUndefined();
});
