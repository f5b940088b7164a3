import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  centerFraming,
  classNamesOfTimm,
  type Framing,
  loadCheckpoint,
  loadSafetensors,
  type NamedTensors,
  parseCheckpoint,
  saveSafetensors,
  saveTransformers,
  stretchFraming,
  toTransformers,
  withoutPrefix,
  withPrefix,
} from '../src/index';
import { dict, pickle, tensor } from './pickleOf';
import { zipFile } from './zipFile';

const FIXTURES = join(__dirname, 'fixtures');

let folder: string;
let official: NamedTensors;
beforeAll(async () => {
  official = withoutPrefix((await loadSafetensors('fixtures/classify.safetensors')).tensors, 'param.');
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string) => join(folder, name);
const json = (name: string, value: unknown) => writeFile(at(name), JSON.stringify(value));
const plain = (tensors: NamedTensors) => ({ ...tensors });

/** A `.bin` file with one tensor, `[4]`, for each name. */
const torchFile = (...names: string[]) =>
  zipFile([
    {
      name: 'x/data.pkl',
      content: pickle(dict(...names.map((name) => [name, tensor()] as [string, Uint8Array]))),
    },
    { name: 'x/data/0', content: new Uint8Array(16) },
  ]);

describe('files', () => {
  test('safetensors of transformers 4 and 5, of timm, of a wrapped model: one result', async () => {
    const variants: [NamedTensors, string][] = [
      [toTransformers(official, { version: 4 }), 'transformers'],
      [toTransformers(official, { version: 5 }), 'transformers'],
      [official, 'official'],
      [withPrefix(official, 'module.'), 'official'],
    ];
    for (const [tensors, format] of variants) {
      // The extension does not matter.
      await saveSafetensors(at('x.pth'), tensors, { format: 'pt' });
      const loaded = await loadCheckpoint(at('x.pth'));
      expect(plain(loaded.tensors)).toEqual(plain(official));
      expect(loaded).toMatchObject({ format, metadata: { format: 'pt' }, dropped: [] });
      expect(loaded).not.toHaveProperty('config');
    }
  });

  test('one in memory is the same as from disk, and errors have its name', async () => {
    await saveSafetensors(at('x'), toTransformers(official, { version: 4 }), { format: 'pt' });
    for (const path of [at('x'), join(FIXTURES, 'official-1.7.pth')])
      expect(parseCheckpoint(await readFile(path), 'x')).toEqual(await loadCheckpoint(path));
    for (const bytes of [new Uint8Array(), Buffer.from('neither one nor the other'), Buffer.alloc(40, 0xff)])
      expect(() => parseCheckpoint(bytes, 'dropped.bin')).toThrow(
        'Cannot read dropped.bin: neither a safetensors file nor one of torch.save',
      );
    await saveSafetensors(at('other'), { w: { dtype: 'float32', shape: [1], data: new Float32Array(1) } });
    expect(() => parseCheckpoint(Buffer.alloc(20, '{'), 'dropped.bin')).toThrow(/Cannot read dropped\.bin/);
    const other = await readFile(at('other'));
    expect(() => parseCheckpoint(other, 'dropped.bin')).toThrow(/Cannot read dropped\.bin: it is no BEiT/);
  });

  test('the official structure, without its index buffers', async () => {
    const loaded = await loadCheckpoint(join(FIXTURES, 'official-1.7.pth'));
    expect(loaded).toMatchObject({ format: 'official', dropped: ['optimizer', 'epoch', 'scaler', 'args'] });
    expect(Object.keys(loaded.tensors)).toContain('blocks.0.attn.relative_position_bias_table');
    expect(Object.keys(loaded.tensors)).not.toContain('blocks.0.attn.relative_position_index');
  });

  test('a model of this project brings its configuration', async () => {
    await saveSafetensors(at('model.safetensors'), official, { config: '{"depth":2}' });
    for (const path of [at('model.safetensors'), folder])
      expect(await loadCheckpoint(path)).toMatchObject({ format: 'beit', config: { depth: 2 } });
    await saveSafetensors(at('model.safetensors'), official, { config: '[]' });
    await expect(loadCheckpoint(folder)).rejects.toThrow(/"config" is not a JSON object/);
  });

  test('anything else is an error that names the path', async () => {
    await writeFile(at('x.safetensors'), Buffer.alloc(64, 0xff));
    await expect(loadCheckpoint(at('x.safetensors'))).rejects.toThrow(
      `Cannot read ${at('x.safetensors')}: neither a safetensors file nor one of torch.save.`,
    );
    for (const page of [
      '<?xml version="1.0"?><Error>gone</Error>',
      'version https://git-lfs.github.com/spec/v1\n',
    ]) {
      await writeFile(at('page.pkl'), page);
      await expect(loadCheckpoint(at('page.pkl'))).rejects.toThrow(
        /page\.pkl.*it is a text, "(<\?xml|version)/,
      );
    }
    await writeFile(at('empty'), '');
    await expect(loadCheckpoint(at('empty'))).rejects.toThrow(/neither a safetensors.*: it is empty/);
    await expect(loadCheckpoint(at('nothing'))).rejects.toThrow(/nothing.*ENOENT/);
    await saveSafetensors(at('other'), { 'text_model.embeddings': official.cls_token! });
    await expect(loadCheckpoint(at('other'))).rejects.toThrow(/no BEiT.*text_model\.embeddings/);
  });
});

describe('folders', () => {
  test('as transformers writes them', async () => {
    const loaded = await loadCheckpoint(join(FIXTURES, 'transformers'));
    expect(loaded).toMatchObject({
      format: 'transformers',
      config: { model_type: 'beit', hidden_size: 8 },
      preprocessing: {
        framing: stretchFraming(16),
        normalization: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
      },
    });
    expect(loaded.tensors['blocks.1.attn.qkv.weight']!.shape).toEqual([24, 8]);
  });

  test('of timm: its config has the preprocessing', async () => {
    await saveSafetensors(at('model.safetensors'), official);
    const mean = [0.1, 0.2, 0.3];
    const std = [1, 2, 3];
    const said = { mean, std, crop_pct: 0.9, interpolation: 'bilinear', input_size: [3, 32, 32] };
    const expected = {
      framing: {
        resize: { to: { shortestEdge: 35 }, filter: 'bilinear' },
        crop: { height: 32, width: 32, rounding: 'half-even' },
        transparency: 'dropped',
      },
      normalization: { mean, std },
    };
    await json('config.json', { architecture: 'beit_base_patch16_224', pretrained_cfg: said });
    expect(await loadCheckpoint(folder)).toMatchObject({ format: 'timm', preprocessing: expected });
    // As timm wrote it before 0.9.
    await json('config.json', { architecture: 'beit_base_patch16_224', ...said });
    expect(await loadCheckpoint(folder)).toMatchObject({ format: 'timm', preprocessing: expected });
  });

  test.each([
    ['resample', 7, /resample is 7 in preprocessor_config\.json; expected a number of Pillow's filters/],
    ['do_resize', 'yes', /do_resize is "yes".*true or false/],
    ['size', { shortest_edge: 8, longest_edge: 9 }, /size is .*longest_edge.*shortest_edge/],
    ['size', { height: 16 }, /size is \{"height":16\}/],
    ['size', 0, /size is 0.*pixels/],
    ['crop_size', '16', /crop_size is "16"/],
    ['rescale_factor', 0, /rescale_factor is 0/],
    ['image_mean', [0.5, 0.5, 0.5, 0.5], /\[0\.5,0\.5,0\.5,0\.5\].*three numbers each, or one each for gray/],
    ['image_processor_type', 'ConvNextImageProcessor', /ConvNextImageProcessor.*BEiT's, ViT's or DeiT's/],
  ])('a preprocessor_config.json whose %s is %p is refused by name', async (name, value, message) => {
    await saveSafetensors(at('model.safetensors'), official);
    await json('preprocessor_config.json', { do_center_crop: true, [name]: value });
    await expect(loadCheckpoint(folder)).rejects.toThrow(message);
  });

  test.each([
    ['interpolation', 'random', /interpolation is "random" in timm's config\.json; expected one of/],
    ['crop_mode', 'border', /crop_mode is "border".*center or squash/],
    ['crop_pct', '0.9', /crop_pct is "0\.9"/],
    ['input_size', [4, 32, 32], /input_size is \[4,32,32\].*1 or 3 channels/],
    ['mean', [0.5], /\[0\.5\].*three numbers/],
  ])('a config.json of timm whose %s is %p is refused by name', async (name, value, message) => {
    await saveSafetensors(at('model.safetensors'), official);
    await json('config.json', { architecture: 'beit', pretrained_cfg: { [name]: value } });
    await expect(loadCheckpoint(folder)).rejects.toThrow(message);
  });

  test('of timm: names of classes by list or by number', () => {
    const architecture = 'beit_base_patch16_224';
    expect(classNamesOfTimm({ architecture })).toBeUndefined();
    expect(classNamesOfTimm({ architecture, label_names: ['a', 'b'] })).toEqual(['a', 'b']);
    const gaps = { architecture, pretrained_cfg: { label_names: { 0: 'a', 2: 'b' } } };
    expect(classNamesOfTimm(gaps)).toEqual(['a', undefined, 'b']);
    expect(classNamesOfTimm({ architecture, labels: ['a'] })).toEqual(['a']);
    expect(() => classNamesOfTimm({ architecture, label_names: 'imagenet' })).toThrow(
      /label_names in timm's config\.json: expected a list of names/,
    );
  });

  test('pytorch_model.bin, if there is no model.safetensors', async () => {
    await writeFile(at('pytorch_model.bin'), torchFile('beit.embeddings.cls_token'));
    expect(Object.keys((await loadCheckpoint(folder)).tensors)).toEqual(['cls_token']);
    await saveSafetensors(at('model.safetensors'), official);
    expect((await loadCheckpoint(folder)).tensors.cls_token).toEqual(official.cls_token);
  });

  test('shards after their index', async () => {
    const names = Object.keys(official);
    const shards = [names.slice(0, 10), names.slice(10)];
    const weightMap: Record<string, string> = {};
    for (const [i, shard] of shards.entries()) {
      const file = `model-0000${i + 1}-of-00002.safetensors`;
      await saveSafetensors(at(file), Object.fromEntries(shard.map((name) => [name, official[name]!])));
      for (const name of shard) weightMap[name] = file;
    }
    await json('model.safetensors.index.json', { metadata: {}, weight_map: weightMap });
    expect(plain((await loadCheckpoint(folder)).tensors)).toEqual(plain(official));
  });

  test.each(['../x.safetensors', '/etc/passwd', 'sub/x.safetensors', '..', 'sub\\x', '', 3])(
    'a shard called %p is refused',
    async (file) => {
      await json('model.safetensors.index.json', { weight_map: { cls_token: file } });
      await expect(loadCheckpoint(folder)).rejects.toThrow(/not the name of a file in its folder/);
    },
  );

  test('an index that does not agree with its shards', async () => {
    await saveSafetensors(at('a.safetensors'), { cls_token: official.cls_token! });
    await json('model.safetensors.index.json', { weight_map: { pos_embed: 'a.safetensors' } });
    await expect(loadCheckpoint(folder)).rejects.toThrow(/a\.safetensors: "pos_embed" is not in it/);
    await json('model.safetensors.index.json', { weight_map: { pos_embed: 'b.safetensors' } });
    await expect(loadCheckpoint(folder)).rejects.toThrow(/b\.safetensors.*ENOENT/);
    await json('model.safetensors.index.json', []);
    await expect(loadCheckpoint(folder)).rejects.toThrow(/not a JSON object/);
  });

  test('a folder without weights, and broken JSON', async () => {
    await expect(loadCheckpoint(folder)).rejects.toThrow(/neither model\.safetensors nor pytorch_model\.bin/);
    await saveSafetensors(at('model.safetensors'), official);
    await json('preprocessor_config.json', { image_mean: [0.5, 0.5], image_std: [1, 1, 1] });
    await expect(loadCheckpoint(folder)).rejects.toThrow(/three numbers/);
    await writeFile(at('preprocessor_config.json'), '{');
    await expect(loadCheckpoint(folder)).rejects.toThrow(/preprocessor_config\.json.*not valid JSON/);
  });
});

describe('saveTransformers', () => {
  const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } as const;
  const preprocessing = { framing: stretchFraming(32), normalization };
  const config = {
    model_type: 'beit',
    image_size: 32,
    id2label: { 0: 'a', 1: 'b', 2: 'c', 3: 'd', 4: 'e', 5: 'f', 6: 'g' },
  };

  test('what it writes is read back, with what the tensors tell', async () => {
    await saveTransformers(at('out'), official, { config, preprocessing });
    expect((await readdir(at('out'))).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'preprocessor_config.json',
    ]);
    const loaded = await loadCheckpoint(at('out'));
    expect(plain(loaded.tensors)).toEqual(plain(official));
    expect(loaded).toMatchObject({ format: 'transformers', preprocessing, metadata: { format: 'pt' } });
    expect(loaded.config).toEqual({
      ...config,
      architectures: ['BeitForImageClassification'],
      use_mask_token: false,
    });
  });

  test('a masked-image model', async () => {
    const { tensors } = await loadSafetensors('fixtures/mim-rel.safetensors');
    const params = withoutPrefix(tensors, 'param.');
    await saveTransformers(at('out'), params, { config: { model_type: 'beit' }, preprocessing });
    expect((await loadCheckpoint(at('out'))).config).toEqual({
      model_type: 'beit',
      architectures: ['BeitForMaskedImageModeling'],
      use_mask_token: true,
      vocab_size: 64,
    });
  });

  test('numbers that transformers wants as floats', async () => {
    const whole = {
      ...config,
      layer_scale_init_value: 0,
      id2label: { ...config.id2label, 0: '"layer_norm_eps": 1' },
    };
    await saveTransformers(at('out'), official, { config: whole, preprocessing });
    const text = await readFile(at('out/config.json'), 'utf8');
    expect(text).toContain('"layer_scale_init_value": 0.0,\n');
    expect(JSON.parse(text)).toMatchObject(whole);
  });

  test('the preprocessing is written so that it is read again', async () => {
    const written = async () => JSON.parse(await readFile(at('out/preprocessor_config.json'), 'utf8'));
    const square = { height: 32, width: 32 };
    await saveTransformers(at('out'), official, { config, preprocessing });
    expect(await written()).toMatchObject({ size: square, do_center_crop: false, resample: 3 });
    const cut = centerFraming({ imageSize: 32, cropShare: 0.875, filter: 'bilinear' });
    await saveTransformers(at('out'), official, { config, preprocessing: { framing: cut, normalization } });
    expect(await written()).toMatchObject({
      size: { shortest_edge: 36 },
      do_center_crop: true,
      crop_size: square,
      resample: 2,
    });
    const framings: Framing[] = [
      cut,
      stretchFraming(32, 'lanczos'),
      { crop: { ...square, rounding: 'down' }, transparency: 'white' },
      { ...cut, resize: { to: { height: 40, width: 50 }, filter: 'hamming' } },
    ];
    for (const framing of framings) {
      await saveTransformers(at('out'), official, { config, preprocessing: { framing, normalization } });
      expect((await loadCheckpoint(at('out'))).preprocessing).toEqual({ framing, normalization });
    }
    await expect(
      saveTransformers(at('out'), official, {
        config,
        preprocessing: { framing: stretchFraming(31), normalization },
      }),
    ).rejects.toThrow('31x31 pixels; expected 32x32');
  });

  test('a program for transformers.js is beside it', async () => {
    const paths = await saveTransformers(at('out'), official, {
      config,
      preprocessing,
      onnx: Uint8Array.of(1, 2, 3),
    });
    expect(paths.map((path) => path.slice(at('out').length + 1)).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'onnx/model.onnx',
      'preprocessor_config.json',
    ]);
    expect([...(await readFile(at('out/onnx/model.onnx')))]).toEqual([1, 2, 3]);
    expect(JSON.parse(await readFile(at('out/config.json'), 'utf8'))).toMatchObject({
      'transformers.js_config': { dtype: 'fp32' },
    });
  });

  test('classes must be as many as the rows of the head', async () => {
    const two = { ...config, id2label: { 0: 'a', 1: 'b' } };
    await expect(saveTransformers(at('out'), official, { config: two, preprocessing })).rejects.toThrow(
      /7 classes.*names 2/,
    );
  });
});
