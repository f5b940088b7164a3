import { fitParameters, loadCheckpoint, loadSafetensors, withoutPrefix } from '@beit/weights';
import {
  BEIT_BASE_PATCH16_224,
  BEIT_LARGE_PATCH16_512,
  inferVitConfig,
  parameterShapes,
  RELEASED_FINETUNE,
  RELEASED_PRETRAIN,
  resolveVitConfig,
  transformersConfig,
  type VitConfig,
  vitConfigOfTransformers,
} from '../src/index';

/** Shapes alone, as a file's header gives them. */
const shapesOf = (config: VitConfig) =>
  Object.fromEntries(
    Object.entries(parameterShapes(resolveVitConfig(config))).map(([name, shape]) => [name, { shape }]),
  );

describe('inferVitConfig', () => {
  test.each<[string, VitConfig]>([
    ['plain', BEIT_BASE_PATCH16_224],
    ['pre-trained', { ...BEIT_BASE_PATCH16_224, ...RELEASED_PRETRAIN }],
    ['fine-tuned', { ...BEIT_BASE_PATCH16_224, ...RELEASED_FINETUNE }],
    ['large', { ...BEIT_LARGE_PATCH16_512, ...RELEASED_FINETUNE, layerScaleInit: 1e-5 }],
    ['without biases', { ...BEIT_BASE_PATCH16_224, qkvBias: false, mlpRatio: 3 }],
  ])('%s: what was given, from names and shapes', (_, config) => {
    expect(resolveVitConfig(inferVitConfig(shapesOf(config)))).toEqual({
      ...resolveVitConfig(config),
      dropPathRate: 0,
    });
  });

  test.each([
    ['classify', undefined],
    ['mim-rel', undefined],
    ['mim-abs', 4],
  ])('the reference models of %s: every parameter of the encoder fits', async (fixture, numHeads) => {
    const file = await loadSafetensors(`fixtures/${fixture}.safetensors`);
    const tensors = withoutPrefix(file.tensors, 'param.');
    const config = inferVitConfig(tensors, numHeads === undefined ? {} : { numHeads });
    const { imageSize, patchSize, dim, depth, heads } = JSON.parse(file.metadata.config!);
    expect(config).toMatchObject({ imageSize, patchSize, embedDim: dim, depth, numHeads: heads });
    const fit = fitParameters(tensors, parameterShapes(resolveVitConfig(config)));
    expect([fit.missing, fit.misshapen]).toEqual([[], []]);
    expect(fit.extra.filter((name) => !/^(fc_)?norm|^head|^lm_head|^mask_token/.test(name))).toEqual([]);
  });

  test('what the shapes leave open is an option, and an error without it', () => {
    const config = { imageSize: 32, patchSize: 8, embedDim: 48, depth: 1, numHeads: 3 };
    expect(() => inferVitConfig(shapesOf(config))).toThrow(/give numHeads/);
    expect(inferVitConfig(shapesOf(config), { numHeads: 3 }).numHeads).toBe(3);
    const nowhere = shapesOf({ ...config, useAbsPosEmb: false });
    expect(() => inferVitConfig(nowhere, { numHeads: 3 })).toThrow(/give imageSize/);
    expect(inferVitConfig(nowhere, { numHeads: 3, imageSize: 64 })).toMatchObject({
      imageSize: 64,
      useAbsPosEmb: false,
    });
    const relative = shapesOf({ ...config, useRelPosBias: true });
    expect(() => inferVitConfig(relative, { numHeads: 4 })).toThrow(/4.*3 columns/);
  });

  test('tensors of something else', () => {
    const good = shapesOf(BEIT_BASE_PATCH16_224);
    const other = (name: string, shape: number[]) => inferVitConfig({ ...good, [name]: { shape } });
    expect(() => inferVitConfig({})).toThrow(/There is no "patch_embed\.proj\.weight"/);
    expect(other('patch_embed.proj.weight', [768, 1, 16, 16])).toMatchObject({ inChannels: 1 });
    expect(() => other('patch_embed.proj.weight', [768, 3, 16, 8])).toThrow(/16x8/);
    expect(() => other('patch_embed.proj.weight', [768, 768])).toThrow(/4 axes/);
    expect(() => other('pos_embed', [1, 200, 768])).toThrow(/square grid/);
    expect(() => other('rel_pos_bias.relative_position_bias_table', [52, 12])).toThrow(/square grid/);
    expect(() => other('blocks.999999999.gamma_1', [768])).toThrow(/13 blocks, but no block 12/);
  });
});

describe('configurations of transformers', () => {
  test('as transformers writes it, beside tensors that fit', async () => {
    const { config: json, tensors } = await loadCheckpoint('packages/weights/test/fixtures/transformers');
    const { config, head } = vitConfigOfTransformers(json!);
    expect(config).toEqual({
      imageSize: 16,
      patchSize: 8,
      embedDim: 8,
      depth: 2,
      numHeads: 2,
      mlpRatio: 2,
      useAbsPosEmb: false,
      useRelPosBias: true,
      useSharedRelPosBias: false,
      layerScaleInit: 0.1,
      qkvBias: true,
      dropPathRate: 0.1,
      layerNormEpsilon: 1e-6,
    });
    expect(head).toEqual({ pooling: 'mean', numClasses: 3, classNames: ['cat', 'dog', 'newt'] });
    const fit = fitParameters(tensors, parameterShapes(resolveVitConfig(config)));
    expect([fit.missing, fit.misshapen]).toEqual([[], []]);
    expect([...fit.extra].sort()).toEqual(['fc_norm.bias', 'fc_norm.weight', 'head.bias', 'head.weight']);
  });

  test('what is left out is as in BeitConfig()', () => {
    const { config, head } = vitConfigOfTransformers({});
    expect(resolveVitConfig(config)).toEqual({
      ...resolveVitConfig(BEIT_BASE_PATCH16_224),
      useAbsPosEmb: false,
      layerScaleInit: 0.1,
      layerNormEpsilon: 1e-12,
    });
    expect(head).toEqual({ pooling: 'mean', numClasses: 2 });
  });

  test('there and back', () => {
    const config = resolveVitConfig({ ...BEIT_BASE_PATCH16_224, ...RELEASED_FINETUNE, mlpRatio: 8 / 3 });
    const head = { pooling: 'cls', numClasses: 3, classNames: ['a', '__proto__', 'b'] } as const;
    const json = JSON.parse(JSON.stringify(transformersConfig(config, head)));
    const back = vitConfigOfTransformers(json);
    expect({ ...back, config: resolveVitConfig(back.config) }).toEqual({ config, head });
    const unnamed = transformersConfig(config, { pooling: 'mean', numClasses: 2 });
    expect(unnamed.id2label).toEqual({ 0: 'LABEL_0', 1: 'LABEL_1' });
    expect(vitConfigOfTransformers(unnamed).head).toEqual({ pooling: 'mean', numClasses: 2 });
    // Two classes of the models of ImageNet-22k have no names.
    const gaps = { id2label: { 0: 'a', 2: 'b' } };
    const read = vitConfigOfTransformers(gaps).head;
    expect(read).toEqual({ pooling: 'mean', numClasses: 3, classNames: ['a', undefined, 'b'] });
    expect(transformersConfig(config, read).id2label).toEqual({ 0: 'a', 1: 'LABEL_1', 2: 'b' });
  });

  test.each<[Record<string, unknown>, RegExp]>([
    [{ model_type: 'vit' }, /model_type is "vit".*"beit"/],
    [{ hidden_act: 'relu' }, /hidden_act/],
    [{ num_channels: 0 }, /inChannels is 0/],
    [{ image_size: [224, '112'] }, /image_size is \[224,"112"\].*a number, or two/],
    [{ patch_size: [16, 8] }, /patch_size is \[16,8\].*squares/],
    [{ image_size: [224] }, /image_size is \[224\].*a number, or two/],
    [{ image_size: [224, 100] }, /imageSize \(\[224,100\]\) must be a multiple of patchSize \(16\)/],
    [{ hidden_size: '768' }, /hidden_size is "768"/],
    [{ intermediate_size: 0 }, /intermediate_size/],
    [{ num_hidden_layers: -1 }, /depth/],
    [{ num_attention_heads: 7 }, /numHeads/],
    [{ use_mean_pooling: 1 }, /use_mean_pooling/],
    [{ id2label: { 0: 'a', first: 'b' } }, /class first "b".*a number from 0/],
    [{ id2label: { 0: 1 } }, /class 0 1; expected a text/],
    [{ num_labels: 1e12 }, /num_labels/],
  ])('%j is an error', (json, message) => {
    expect(() => vitConfigOfTransformers(json)).toThrow(message);
  });

  test('a square given as two sides, and height before width', () => {
    expect(vitConfigOfTransformers({ image_size: [384, 384] }).config.imageSize).toBe(384);
    const { config } = vitConfigOfTransformers({ image_size: [224, 448] });
    expect(config.imageSize).toEqual([224, 448]);
    expect(transformersConfig(config).image_size).toEqual([224, 448]);
  });

  test('what transformers does not have', () => {
    expect(() => transformersConfig({ ...BEIT_BASE_PATCH16_224, qkvBias: false })).toThrow(/biases/);
    expect(() =>
      transformersConfig(BEIT_BASE_PATCH16_224, { pooling: 'mean', numClasses: 3, classNames: ['a'] }),
    ).toThrow(/3 classes, but 1 names/);
  });
});
