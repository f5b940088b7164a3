import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { availableEngines } from '@beit/compile';
import * as tf from '@tensorflow/tfjs';
import { parity } from '../src/parity';

tf.enableProdMode();
const FIXTURES = join(__dirname, '../../../fixtures');

test('every fixture is reproduced, by every engine', async () => {
  const { rows } = await parity(FIXTURES);
  expect(rows.filter(({ error, tolerance }) => !(error <= tolerance))).toEqual([]);
  const engines = new Set(rows.map(({ engine }) => engine));
  expect(engines).toEqual(new Set(['host', ...(await availableEngines())]));
  expect(rows.length).toBeGreaterThanOrEqual(60);
}, 240_000);

test('a folder without fixtures is an error that says what was looked for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parity-'));
  await expect(parity(folder)).rejects.toThrow(/mim-abs\.safetensors; found nothing/);
});
