/** Folders whose JSON files say what cannot be: each is an error with the folder's name, at once. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zeros } from '@beit/tensors';
import { saveSafetensors } from '@beit/weights';
import { loadPretrained } from '../src/start/loadPretrained';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pretrained-'));
});
afterEach(() => rm(folder, { recursive: true }));

const write = (name: string, json: unknown) => writeFile(join(folder, name), JSON.stringify(json));
const transformers = {
  model_type: 'beit',
  num_hidden_layers: 1,
  hidden_size: 4,
  num_attention_heads: 2,
  intermediate_size: 8,
};

test.each([
  ['num_hidden_layers', 1e9, 'depth is 1000000000; expected an integer from 1 to 1024'],
  ['num_hidden_layers', '12', 'num_hidden_layers is "12" in config.json; expected a number'],
  ['hidden_size', 1e9, 'The vision transformer would have 1.20e+19 parameters'],
  ['intermediate_size', 1e15, 'The vision transformer would have 9.00e+15 parameters'],
  ['image_size', 1e9, 'imageSize is 1000000000; expected an integer from 1 to 16384'],
  ['patch_size', [16, 8], 'patch_size is [16,8] in config.json; expected a number; patches are squares'],
  ['num_channels', 1e12, 'The vision transformer would have'],
  ['layer_norm_eps', '1e-12', 'layer_norm_eps is "1e-12" in config.json'],
])('config.json of transformers: %s %j', async (key, value, message) => {
  await saveSafetensors(join(folder, 'model.safetensors'), { 'beit.embeddings.cls_token': zeros([1, 1, 4]) });
  const small = key === 'hidden_size' ? { intermediate_size: 4 * Number(value) } : {};
  await write('config.json', { ...transformers, ...small, [key]: value });
  await expect(loadPretrained(folder)).rejects.toThrow(`Cannot read ${folder}: ${message}`);
});

test.each([
  ['size', { height: 1e9, width: 224 }, 'size.height is 1000000000 in preprocessor_config.json'],
  ['size', null, 'it is no BEiT as it describes itself'],
  ['image_std', [1, 1], "The images' mean [0.5,0.5,0.5] and standard deviation [1,1] must be three numbers"],
  ['image_std', '0.5', 'The images\' mean [0.5,0.5,0.5] and standard deviation "0.5" must be three numbers'],
])('preprocessor_config.json: %s %j', async (key, value, message) => {
  await saveSafetensors(join(folder, 'model.safetensors'), { 'beit.embeddings.cls_token': zeros([1, 1, 4]) });
  await write('config.json', transformers);
  await write('preprocessor_config.json', { image_processor_type: 'BeitImageProcessor', [key]: value });
  await expect(loadPretrained(folder)).rejects.toThrow(`Cannot read ${folder}: ${message}`);
});

test.each([
  [{ input_size: [3, 1e9, 1e9] }, "input_size is [3,1000000000,1000000000] in timm's config.json"],
  [{ input_size: '224' }, 'input_size is "224" in timm\'s config.json'],
  [
    { crop_pct: 1e-9 },
    'A share of 1e-9 that is 224 pixels wants pictures of 224000000000; expected at most 16384',
  ],
  [{ crop_mode: 'squash', crop_pct: 1e-9 }, 'A share of 1e-9 that is 224 pixels wants pictures of'],
  [{ std: null, mean: 'gray' }, 'The images\' mean "gray" and standard deviation'],
])('config.json of timm: %j', async (cfg, message) => {
  await saveSafetensors(join(folder, 'model.safetensors'), { cls_token: zeros([1, 1, 4]) });
  await write('config.json', { architecture: 'beit_base_patch16_224', pretrained_cfg: cfg });
  await expect(loadPretrained(folder)).rejects.toThrow(`Cannot read ${folder}: ${message}`);
});

test.each(['null', '[]', '"beit"', '{'])('config.json that is %s', async (text) => {
  await saveSafetensors(join(folder, 'model.safetensors'), { cls_token: zeros([1, 1, 4]) });
  await writeFile(join(folder, 'config.json'), text);
  await expect(loadPretrained(folder)).rejects.toThrow(
    `Cannot read ${join(folder, 'config.json')}: it is not`,
  );
});
