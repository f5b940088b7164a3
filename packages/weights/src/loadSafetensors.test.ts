import { loadSafetensors } from './loadSafetensors';

test('x', async () => {
  const { tensors } = await loadSafetensors('fixtures/adamw.safetensors');
  expect(Object.keys(tensors).length).toBe(38);
  expect(tensors.norm1!.data instanceof Float32Array).toBe(true);
});
