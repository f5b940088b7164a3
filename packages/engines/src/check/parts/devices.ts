import { compile, describeXla, type XlaDescription } from '@beit/compile';
import type * as tf from '@tensorflow/tfjs';
import type { Part, Target } from './part';

/** The plugin and all its devices, on the first of which a program has run. */
export const devices: Part<Target, XlaDescription> = async (target, tell) => {
  const numbers = { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } as const;
  const program = await compile(
    ({ a }: { a: tf.Tensor }, { b }: { b: tf.Tensor }) => ({
      state: { a: a.add(b) },
      outputs: { sum: a.add(b) as tf.Tensor },
    }),
    { state: { a: numbers }, inputs: { b: numbers } },
    target,
  );
  const { sum } = await program.run({ b: numbers });
  const told = sum.data.join(' and ');
  await program.dispose();
  if (told !== '2 and 4') throw new Error(`1 + 1 and 2 + 2 are ${told} there.`);
  const description = await describeXla({ ...target, ...(target.device !== 'cpu' && { devices: 'all' }) });
  if (description) await tell(description);
};
