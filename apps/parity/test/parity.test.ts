import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasNativeBfloat16 } from '@beit/compile';
import * as tf from '@tensorflow/tfjs';
import { isInstalled, whereInstalled } from '../../../tooling/jest/whereInstalled';
import { enginesHere, parity } from '../src/parity';

tf.enableProdMode();
const FIXTURES = join(__dirname, '../../../fixtures');

test('every fixture is reproduced, by every engine', async () => {
  const { rows } = await parity(FIXTURES);
  expect(rows.filter(({ error, tolerance }) => !(error <= tolerance))).toEqual([]);
  const engines = new Set(rows.map(({ engine }) => engine));
  expect(engines).toEqual(new Set(['host', ...(await enginesHere())]));
  expect(engines.has('openvino-bf16')).toBe(isInstalled('OpenVINO'));
  expect(engines.has('xla-bf16')).toBe(isInstalled('XLA'));
  expect(rows.length).toBeGreaterThanOrEqual(60);
}, 600_000);

whereInstalled('OpenVINO', () => {
  test('bfloat16 is used where the processor has it: it is not as exact as float32', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parity-'));
    await copyFile(join(FIXTURES, 'mim-abs.safetensors'), join(folder, 'mim-abs.safetensors'));
    const { rows } = await parity(folder, undefined, ['openvino-bf16']);
    await rm(folder, { recursive: true });
    const isUsed = await hasNativeBfloat16();
    for (const group of ['logits', 'gradients']) {
      const [row] = rows.filter((row) => row.group === group);
      expect(row!.error > 1e-3).toBe(isUsed);
    }
  }, 600_000);
});

whereInstalled('XLA', () => {
  test('bfloat16 is used by XLA, too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parity-'));
    await copyFile(join(FIXTURES, 'mim-abs.safetensors'), join(folder, 'mim-abs.safetensors'));
    const { rows } = await parity(folder, undefined, ['xla-bf16']);
    await rm(folder, { recursive: true });
    for (const group of ['logits', 'gradients']) {
      const [row] = rows.filter((row) => row.group === group);
      expect(row!.error).toBeGreaterThan(1e-3);
    }
  }, 600_000);
});

test('a folder without fixtures is an error that says what was looked for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parity-'));
  await expect(parity(folder)).rejects.toThrow(/mim-abs\.safetensors; found nothing/);
});
