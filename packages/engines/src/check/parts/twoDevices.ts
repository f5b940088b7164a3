import type { TwoDevicesRow } from '../rows';
import type { Part, Target } from './part';
import { createPretraining, type Pretraining } from './pretraining';
import { timeSteps } from './timeSteps';

interface TwoDevicesTask extends Target {
  readonly task: Pretraining;
  /** Of one device; two have twice as much. */
  readonly batchSize: number;
}

/** Steps whose outputs are compared; rounding grows from one to the next. */
const COMPARED_STEPS = 3;

/** The same steps on two devices and on one. */
export const twoDevices: Part<TwoDevicesTask, TwoDevicesRow> = async (
  { task, batchSize, ...target },
  tell,
) => {
  const pretraining = createPretraining(task);
  async function measured(devices: readonly number[], images: number) {
    const inputs = pretraining.inputs(images);
    const program = await pretraining.compile(images, { ...target, devices });
    try {
      const told: number[] = [];
      const { seconds } = await timeSteps(async (index) => {
        const { loss, gradNorm } = await program.run(inputs(index));
        if (index < COMPARED_STEPS) told.push(loss.data[0] ?? Number.NaN, gradNorm.data[0] ?? Number.NaN);
      });
      return { told, seconds };
    } finally {
      await program.dispose();
    }
  }
  const half = await measured([0], batchSize);
  const one = await measured([0], 2 * batchSize);
  const two = await measured([0, 1], 2 * batchSize);
  const differences = one.told.map(
    (value, i) => Math.abs((two.told[i] ?? Number.NaN) - value) / Math.abs(value),
  );
  await tell({
    precision: target.precision,
    batchSize: 2 * batchSize,
    difference: Math.max(...differences),
    secondsOfHalf: half.seconds,
    secondsOnOne: one.seconds,
    secondsOnTwo: two.seconds,
  });
};
