import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { availableEngines, compile } from '../src';

let empty: string;
const { BEIT_CACHE } = process.env;
beforeAll(async () => {
  empty = await mkdtemp(join(tmpdir(), 'beit-empty-'));
  process.env.BEIT_CACHE = empty;
});
afterAll(async () => {
  if (BEIT_CACHE === undefined) delete process.env.BEIT_CACHE;
  else process.env.BEIT_CACHE = BEIT_CACHE;
  await rm(empty, { recursive: true });
});

test.each([
  ['tensorflow', /'tensorflow' is not installed: npx @beit\/engines install tensorflow$/],
  ['tensorflow-gpu', /'tensorflow-gpu' is not installed: npx @beit\/engines install tensorflow --gpu$/],
] as const)('%s that is not installed is explained', async (engine, message) => {
  const step = (state: Record<string, tf.Tensor>) => ({ state, outputs: {} });
  await expect(compile(step, { state: {}, inputs: {} }, { engine })).rejects.toThrow(message);
  expect(await availableEngines()).not.toContain(engine);
});
