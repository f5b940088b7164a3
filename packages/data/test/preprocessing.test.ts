/** Pictures as a checkpoint's own library prepares them; what is expected was made by `fixtures/preprocessing.py`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@beit/random';
import {
  channelsOf,
  framedSize,
  loadCheckpoint,
  type Preprocessing,
  saveSafetensors,
  stretchFraming,
} from '@beit/weights';
import sharp from 'sharp';
import { createCanvas, frame, loadViews, twoViews } from '../src';
import fixture from './fixtures/preprocessing.json';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'beit-preprocessing-'));
  for (const [name, { width, height, mode }] of Object.entries(fixture.pictures)) {
    const channels = mode.length as 1 | 3 | 4;
    const data = new Uint8Array(width * height * channels);
    for (let i = 0; i < data.length; i++) {
      const c = i % channels;
      const x = Math.floor(i / channels) % width;
      const y = Math.floor(i / channels / width);
      data[i] = (x * 37 + y * 91 + c * 53 + ((x * y) % 17) * 5) % 256;
    }
    await sharp(data, { raw: { width, height, channels } })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .png()
      .toFile(join(directory, `${name}.png`));
  }
  const tensor = { dtype: 'float32', shape: [1], data: new Float32Array(1) } as const;
  await saveSafetensors(join(directory, 'model.safetensors'), { cls_token: tensor });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

interface Expected {
  readonly bytes: string;
  readonly first: readonly number[];
}

/** What a checkpoint of the test's folder says with such a file beside it. */
async function preprocessingOf(file: string, content: object): Promise<Preprocessing> {
  const path = join(directory, file);
  await writeFile(path, JSON.stringify(content));
  const { preprocessing } = await loadCheckpoint(directory);
  await rm(path);
  return preprocessing!;
}

async function expectPictures(
  { framing, normalization }: Preprocessing,
  pictures: Readonly<Record<string, Expected>>,
): Promise<void> {
  for (const [name, { bytes, first }] of Object.entries(pictures)) {
    const source = { kind: 'folder', directory, names: [`${name}.png`] } as const;
    const { height, width } = framedSize(framing)!;
    const views = { imageSize: [height, width], tokenImageSize: 0, framing } as const;
    const gray = { mean: [0], std: [1 / 255] } as const;
    const colors = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const;
    const identity = channelsOf(normalization) === 1 ? gray : colors;
    const levels = (await loadViews(source, 0, { ...views, normalization: identity })).image;
    expect([name, Buffer.from(levels.map(Math.round)).toString('base64')]).toEqual([name, bytes]);
    const { image } = await loadViews(source, 0, { ...views, normalization });
    for (const [i, value] of first.entries())
      expect(Math.abs(image[i]! - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
  }
}

test.each(Object.entries(fixture.transformers))(
  'to the bit as an image processor of transformers: %s',
  async (_, { config, pictures }) => {
    await expectPictures(await preprocessingOf('preprocessor_config.json', config), pictures);
  },
);

test.each(Object.entries(fixture.timm))(
  'to the bit as the transforms of timm: %s',
  async (_, { config, pictures }) => {
    await expectPictures(await preprocessingOf('config.json', config), pictures);
  },
);

test('a framing of another size than the images is refused, and so is a second view', () => {
  const canvas = createCanvas({ width: 3, height: 2, channels: 3, data: new Uint8Array(18) });
  const views = {
    imageSize: 8,
    tokenImageSize: 0,
    normalization: { mean: [0, 0, 0], std: [1, 1, 1] },
  } as const;
  const random = createRandom(0);
  expect(() => twoViews(canvas, { ...views, framing: stretchFraming(9) }, random)).toThrow(
    'The framing makes pictures of 9x9 pixels; expected 8x8.',
  );
  const anySize = { resize: { to: { shortestEdge: 8 }, filter: 'box' }, transparency: 'white' } as const;
  expect(() => twoViews(canvas, { ...views, framing: anySize }, random)).toThrow('of any size; expected 8x8');
  expect(() => twoViews(canvas, { ...views, tokenImageSize: 4, framing: stretchFraming(8) }, random)).toThrow(
    /tokenImageSize must be 0 and is 4/,
  );
  expect(frame(canvas, anySize).bytes().length).toBe(12 * 8 * 4);
});
