import { useTensorflow } from '@beit/compile';
import { adamW, type NamedTfTensors, toTensors, trainState } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { HostTensor } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';

/** Small and large tensors, of several ranks, with and without decay, at two learning rates. */
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  'blocks.0.weight': [300, 400],
  'blocks.0.bias': [300],
  'blocks.1.weight': [20, 30],
  'blocks.1.bias': [20],
  'blocks.1.table': [2, 3, 4],
  'head.weight': [70_000, 1],
  cls_token: [1, 1, 40],
};

function draw(seed: string, scale: number): Record<string, HostTensor> {
  const random = createRandom(seed);
  return Object.fromEntries(
    Object.entries(SHAPES).map(([name, shape]) => {
      const size = shape.reduce((a, b) => a * b);
      const data = Float32Array.from({ length: size }, () => scale * random.normal());
      return [name, { dtype: 'float32', shape, data }];
    }),
  );
}

const far = (a: tf.Tensor, b: tf.Tensor) =>
  tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]! / tf.max(tf.abs(b)).dataSync()[0]!);

whereInstalled('TensorFlow', () => {
  test.each([
    ['clipped', 3],
    ['not clipped', 1e-3],
  ])('AdamW as one kernel gives the numbers of the composed one: gradients %s', async (_, scale) => {
    await useTensorflow('tensorflow');
    const config = {
      weightDecay: 0.05,
      clipNorm: 3,
      learningRateScale: (name: string) => (name.startsWith('blocks.0') ? 0.5 : 1),
    };
    const params = draw('params', 1);
    const run = (fused: boolean) => {
      const optimizer = adamW({ ...config, fused });
      let state: Record<'params' | 'm' | 'v', NamedTfTensors> = toTensors(trainState(params, optimizer));
      let kept = 0;
      for (let step = 0; step < 4; step++) {
        const gradients = toTensors(draw(`gradients ${step}`, scale));
        const scalars = toTensors(optimizer.scalars(step, 1e-2));
        const result = optimizer.update(state.params, gradients, state, scalars);
        // The old state is still what it was.
        if (step === 0) expect(far(state.params['head.weight']!, toTensors(params)['head.weight']!)).toBe(0);
        if (step === 0) expect(tf.max(state.m['blocks.0.weight']!).dataSync()[0]).toBe(0);
        tf.dispose([state, gradients, scalars, result.gradNorm]);
        state = { params: result.params, ...result.moments };
        if (step === 1) kept = tf.memory().numTensors;
        if (step > 1) expect(tf.memory().numTensors).toBe(kept);
      }
      return state;
    };
    const [composed, fused] = [run(false), run(true)];
    for (const [name, shape] of Object.entries(SHAPES)) {
      expect(fused.params[name]!.shape).toEqual(shape);
      expect(far(fused.params[name]!, composed.params[name]!)).toBeLessThan(1e-6);
      expect(far(fused.m[name]!, composed.m[name]!)).toBeLessThan(1e-6);
      // The kernel's 1 - 0.999 in float32 is off by 1.3e-5.
      expect(far(fused.v[name]!, composed.v[name]!)).toBeLessThan(2e-5);
    }
  });
});
