/** What the page reads of files, without the page. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSafetensors, serializeSafetensors } from '@beit/weights';
import { readEncoder, readTokenizer } from '../src/model/readModel';
import { whyNoTokens } from '../src/model/whyNoTokens';
import { BUNDLE } from './nodeModel';

const ROOT = join(__dirname, '../../..');
const fileOf = (path: string) => readFile(join(ROOT, path));

test('a tokenizer without a decoder opens, and what lacks is said', async () => {
  const { tensors, metadata } = parseSafetensors(await readFile(join(BUNDLE, 'tokenizer.safetensors')));
  const half = (part: string) =>
    serializeSafetensors(
      Object.fromEntries(Object.entries(tensors).filter(([name]) => name.startsWith(part))),
      metadata,
    );
  const encoder = readEncoder(await readFile(join(BUNDLE, 'model.safetensors')), 'model');
  expect(whyNoTokens(encoder, readTokenizer(half('encoder.'), 'half'))).toMatch(
    /The tokenizer has no decoder/,
  );
  const whole = serializeSafetensors(tensors, metadata);
  expect(whyNoTokens(encoder, readTokenizer(whole, 'whole'))).toBeUndefined();
  expect(() => readTokenizer(half('decoder.'), 'half')).toThrow(
    /half is not the tokenizer.*\nMissing: encoder\./,
  );
});

test('a segmenter of mmsegmentation is read, with the pixels that it was trained on', async () => {
  const { vit, normalization, vocabSize } = readEncoder(
    await fileOf('packages/weights/test/fixtures/mmsegmentation.pth'),
    'mmsegmentation.pth',
  );
  expect(vit.config).toMatchObject({ depth: 4, embedDim: 4 });
  expect(normalization).not.toEqual({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });
  expect(vocabSize).toBeUndefined();
});

test('what is no BEiT is refused, with the tensors that would be dropped', async () => {
  const { tensors, metadata } = parseSafetensors(await readFile(join(BUNDLE, 'model.safetensors')));
  const bias = { dtype: 'float32', shape: [1], data: new Float32Array(1) } as const;
  const other = serializeSafetensors({ ...tensors, 'blocks.0.attn.qkv.bias': bias }, metadata);
  expect(() => readEncoder(other, 'vit')).toThrow(
    /vit is no BEiT as it describes itself\.\nNot expected: blocks\.0\.attn\.qkv\.bias/,
  );
});
