/** Two processes, each with a part of the optimizer's state, train the classifier that one does. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { largestFileDifference } from '@beit/measurements';
import { createRandom } from '@beit/random';
import sharp from 'sharp';
import { launch } from '../../../tooling/jest/mpirun';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';

const APP = join(__dirname, '..');
/** Sums in another order differ in the last bits, and AdamW enlarges what small gradients differ in. */
const TOLERANCE = 1e-4;

whereInstalled('Open MPI', () => {
  let folder: string;
  let options: string[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'classify-mpi-'));
    const pictures = join(folder, 'pictures');
    for (const name of ['dark', 'bright']) {
      await mkdir(join(pictures, name), { recursive: true });
      for (let i = 0; i < 24; i++) {
        const random = createRandom('picture', name, i);
        const channel = () => random.integer(0, 120) + (name === 'dark' ? 0 : 100);
        const background = { r: channel(), g: channel(), b: channel() };
        const file = join(pictures, name, `${i}.png`);
        if (i % 6 === 0) writeFileSync(file, 'no picture');
        else
          await sharp({ create: { width: 64, height: 64, channels: 3, background } })
            .png()
            .toFile(file);
      }
    }
    const recipe = {
      extends: 'emoji',
      model: { embedDim: 32, depth: 2, dropPathRate: 0.1 },
      batchSize: 8,
      microBatchSize: 4,
      epochs: 6,
      clipNorm: 1,
      emaDecay: 0.9,
    };
    writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe));
    options = ['--recipe', join(folder, 'recipe.json'), '--data', pictures, '--scratch', '--threads', '1'];
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('classifier, moving average, results and what could not be read', async () => {
    const json = (out: string, file: string) => JSON.parse(readFileSync(join(folder, out, file), 'utf8'));
    for (const [out, size] of [
      ['alone', 1],
      ['together', 2],
    ] as const) {
      const { status, stderr } = launch(APP, size, [
        ...[...options, '--out', join(folder, out)],
        ...(size > 1 ? ['--shard-optimizer'] : []),
      ]);
      expect({ status, errors: stderr.match(/.*Error.*/g) }).toEqual({ status: 0, errors: null });
    }
    for (const file of ['model.safetensors', 'model-ema.safetensors', 'model-best.safetensors'])
      expect(
        await largestFileDifference(join(folder, 'alone', file), join(folder, 'together', file)),
      ).toBeLessThan(TOLERANCE);
    const { seconds: _, loss, ...results } = json('alone', 'results.json');
    expect(json('together', 'results.json')).toMatchObject({ ...results, loss: expect.closeTo(loss, 4) });
    const unreadable = (out: string) =>
      json(out, 'unreadable.json')
        .map(({ name }: { name: string }) => name)
        .sort();
    expect(unreadable('together')).toEqual(unreadable('alone'));
    expect(unreadable('together').length).toBeGreaterThan(4);
  });
});
