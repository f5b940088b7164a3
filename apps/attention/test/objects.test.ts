import { objectness, patchAttention } from '@beit/attention';
import { createRandom } from '@beit/random';
import { zeros } from '@beit/tensors';
import { createVit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';
import { normalizedImage } from '../src/attentionModel';
import { openMaskedQueries } from '../src/experiments/maskedQueryModel';
import { nearnessModel } from '../src/experiments/nearnessModel';
import {
  type Measured,
  objectsFigure,
  objectsPage,
  objectsSummary,
  STARTS,
} from '../src/experiments/objectsResult';
import { objectScores } from '../src/measure';

test('nearness alone: high, but not among patches at equal distance', async () => {
  const model = nearnessModel(32, 8);
  const image = { width: 32, height: 32, data: new Float32Array(32 * 32 * 3) };
  const object = Uint8Array.from({ length: 64 }, (_, i) => (i % 8 < 3 && i < 24 ? 1 : 0));
  const [layer] = await model.attention(image);
  const found = objectness(
    (query) => patchAttention(layer!, model.gridSize, [Math.floor(query / 8), query % 8])[0]!,
    object,
    model.gridSize,
  )!;
  expect(found.auc).toBeGreaterThan(0.9);
  expect(found.aucAtEqualDistance).toBe(0.5);

  // By scenes: the head and the mean of the one head say the same.
  const scores = await objectScores(model, async () => ({ image, objects: [object] }), 3);
  expect(scores.map(({ head, scenes }) => [head, scenes.length])).toEqual([
    [0, 3],
    ['mean', 3],
  ]);
  for (const { scenes } of scores) expect(scenes[0]).toEqual(found);
});

test('where masked patches ask, a row is that of the image in which its patch is masked', async () => {
  const config = { imageSize: 32, patchSize: 8, embedDim: 12, depth: 2, numHeads: 2 };
  const random = createRandom('masked');
  const drawn = Object.entries({ ...createVit(config).init(random), mask_token: zeros([1, 1, 12]) });
  const tensors = Object.fromEntries(
    drawn.map(([name, tensor]) => [
      name,
      { ...tensor, data: tensor.data.map((x) => x + 0.3 * random.normal()) },
    ]),
  );
  const params = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => [name, tf.tensor(data, [...shape])]),
  );
  const image = {
    width: 32,
    height: 32,
    data: Float32Array.from({ length: 32 * 32 * 3 }, () => random.uniform()),
  };
  const vit = createVit(config);
  const pretrained = { path: '', tensors, config: vit.config, notes: [] };
  const model = await openMaskedQueries(pretrained, 32, { engine: 'onnxruntime', precision: 'fp32' });
  const layers = await model.attention(image);
  await model.dispose();

  const batch = normalizedImage(image);
  const seen = vit.embedPatches(params, tf.tensor(batch.data, [...batch.shape]));
  for (const query of [0, 6, 15]) {
    const hidden = tf.reshape(tf.oneHot(query, 16), [1, 16, 1]);
    const corrupted = tf.where(tf.greater(hidden, 0.5), params.mask_token!, seen);
    const { attention } = vit.encode(params, corrupted, { withAttention: true });
    for (const [block, layer] of attention.entries()) {
      const expected = tf.slice(layer, [0, 0, 1 + query, 0], [1, 2, 1, 17]).dataSync();
      const found = [0, 1].flatMap((head) => {
        const from = (head * 17 + 1 + query) * 17;
        return Array.from(layers[block]!.data).slice(from, from + 17);
      });
      found.forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i]!, 5);
      });
    }
  }
});

const measured: Measured[] = STARTS.map((start, i) => ({
  start,
  heads: [0, 1].map((block) => ({
    block,
    head: 0,
    scenes: Array.from({ length: 10 }, (_, scene) => ({
      auc: 0.5 + 0.08 * i + 0.01 * block + 0.001 * scene,
      aucAtEqualDistance: 0.5 + 0.02 * i,
      mass: 0.2,
      area: 0.1,
    })),
  })),
}));

test('the page and its figure have every network, and the verdict is by intervals', () => {
  const summary = objectsSummary(measured);
  expect(summary.pretrained.mean).toBeCloseTo(0.5 + 0.16 + 0.01 + 0.005, 12);
  const result = { summary, scenes: 10, gridSide: 8, environment: '2 cores' };
  const page = objectsPage(result, measured);
  expect(page).toMatch(/\| BEiT, no labels \| 0\.675 \[0\.672, 0\.678\] \| block 2, head 1 \| 0\.540 /);
  expect(page).toMatch(/the best head is above 0\.8: \*\*no\*\*/);
  expect(page).toMatch(/above that of a network at random: \*\*yes\*\*/);
  expect(page).not.toMatch(/NaN|undefined/);
  const figure = objectsFigure(measured);
  expect(figure.match(/class="band"/g)?.length).toBe(10);
  expect(figure).not.toMatch(/NaN|undefined/);
});
