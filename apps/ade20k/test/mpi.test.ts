/** Two processes, each with a part of the optimizer's state, train the segmenter that one does. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { largestFileDifference } from '@beit/measurements';
import { createRandom } from '@beit/random';
import { readMetrics } from '@beit/trainer';
import sharp from 'sharp';
import { launch } from '../../../tooling/jest/mpirun';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';

const APP = join(__dirname, '..');
/** Sums in another order differ in the last bits, and AdamW enlarges what small gradients differ in. */
const TOLERANCE = 1e-4;
const [WIDTH, HEIGHT] = [48, 40];

whereInstalled('Open MPI', () => {
  let folder: string;
  let options: string[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ade20k-mpi-'));
    const data = join(folder, 'data');
    for (const [part, count] of [
      ['training', 24],
      ['validation', 4],
    ] as const) {
      await mkdir(join(data, 'images', part), { recursive: true });
      await mkdir(join(data, 'annotations', part), { recursive: true });
      for (let i = 0; i < count; i++) {
        const random = createRandom('scene', part, i);
        const edge = random.integer(10, WIDTH - 10);
        const at = (k: number) => (k % WIDTH < edge ? 1 : 2);
        const shade = Array.from({ length: 3 }, () => random.integer(0, 255));
        const labels = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, k) => at(k));
        const pixels = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, k) =>
          at(Math.floor(k / 3)) === 1 ? shade[k % 3]! : 255 - shade[k % 3]!,
        );
        const save = (values: Uint8Array, channels: 1 | 3, path: string) =>
          sharp(values, { raw: { width: WIDTH, height: HEIGHT, channels } })
            .toColourspace(channels === 1 ? 'b-w' : 'srgb')
            .png()
            .toFile(path);
        await save(labels, 1, join(data, 'annotations', part, `${i}.png`));
        const image = join(data, 'images', part, `${i}.png`);
        if (i % 5 === 4) writeFileSync(image, 'no picture');
        else await save(pixels, 3, image);
      }
    }
    writeFileSync(join(data, 'classes.json'), '["left", "right"]');
    const recipe = {
      extends: 'emoji',
      model: { imageSize: 32, embedDim: 32, depth: 2, numHeads: 2 },
      head: { kind: 'setr-pup', channels: 8, numConvs: 3, auxiliary: [] },
      views: { stride: 21 },
      batchSize: 8,
      microBatchSize: 4,
      steps: 20,
      warmupSteps: 2,
      // Between checkpoints: the best one is saved by all processes together.
      evaluateEvery: 3,
    };
    writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe));
    options = ['--recipe', join(folder, 'recipe.json'), '--data', data, '--scratch', '--threads', '1'];
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('segmenter with its running statistics, metrics and what could not be read', async () => {
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
    expect(
      await largestFileDifference(
        join(folder, 'alone/model.safetensors'),
        join(folder, 'together/model.safetensors'),
      ),
    ).toBeLessThan(TOLERANCE);
    const evaluated = async (out: string) =>
      (await readMetrics(join(folder, out)))
        .filter(({ kind }) => kind === 'evaluation')
        .map(({ step, mIoU }) => ({ step, mIoU }));
    const alone = await evaluated('alone');
    expect(await evaluated('together')).toEqual(
      alone.map(({ step, mIoU }) => ({ step, mIoU: expect.closeTo(Number(mIoU), 2) })),
    );
    const unreadable = (out: string) =>
      JSON.parse(readFileSync(join(folder, out, 'unreadable.json'), 'utf8'))
        .map(({ name }: { name: string }) => name)
        .sort();
    expect(unreadable('together')).toEqual(unreadable('alone'));
    expect(unreadable('together').length).toBeGreaterThan(3);
  });
});
