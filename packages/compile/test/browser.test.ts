/** The package as browsers get it; that it runs in one is tested in tooling/backends. */
import * as tf from '@tensorflow/tfjs';
import * as node from '../src';
import * as browser from '../src/browser';

tf.enableProdMode();

test('has all that the package has in Node', () => {
  expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort());
});

test('has no engine but TensorFlow.js, and says so', async () => {
  const step = (state: Record<string, tf.Tensor>) => ({ state, outputs: {} });
  const compile = (options: node.CompileOptions) => browser.compile(step, { state: {}, inputs: {} }, options);
  expect(await browser.availableEngines()).toEqual(['tfjs']);
  expect((await compile({})).engine).toBe('tfjs');
  await expect(compile({ engine: 'onnxruntime' })).rejects.toThrow(
    "There is no engine 'onnxruntime' here. Engines: auto, tfjs.",
  );
  await expect(compile({ precision: 'bf16' })).rejects.toThrow("needs 'openvino', which runs in Node");
});
