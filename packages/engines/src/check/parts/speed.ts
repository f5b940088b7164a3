import { describeXla } from '@beit/compile';
import { stepFlops } from '@beit/measurements';
import type { SpeedEnd, SpeedRow } from '../rows';
import { type Growth, growBatch } from './growBatch';
import type { Part, Target } from './part';
import { createPretraining, type Pretraining } from './pretraining';
import { timeSteps } from './timeSteps';

interface SpeedTask extends Target {
  readonly task: Pretraining;
  readonly growth: Growth;
}

/** A training step at growing batch; as in training, the next one's inputs travel from the host meanwhile. */
export const speed: Part<SpeedTask, SpeedRow | SpeedEnd> = async ({ task, growth, ...target }, tell) => {
  const { precision } = target;
  const pretraining = createPretraining(task);
  const end = await growBatch(growth, async (batchSize) => {
    const inputs = pretraining.inputs(batchSize);
    const begin = performance.now();
    const program = await pretraining.compile(batchSize, target);
    const compileSeconds = (performance.now() - begin) / 1000;
    try {
      let loss = Number.NaN;
      let given = inputs(0);
      const times = await timeSteps(async (index) => {
        const running = program.run(given);
        given = inputs(index + 1);
        const sent = program.send(given);
        loss = (await running).loss.data[0] ?? Number.NaN;
        await sent;
      });
      const { model, vocabSize, numMasked } = task;
      const flops = stepFlops(model, { vocabSize, numMasked, batchSize, lastBlock: 'masked' });
      const allocator = (await describeXla(target))?.devices[0]?.memory;
      const memoryBytes = allocator?.most ?? program.memory?.peak;
      await tell({
        of: 'ours',
        precision,
        batchSize,
        compileSeconds,
        ...times,
        gflop: flops / 1e9,
        ...(memoryBytes !== undefined && { memoryBytes }),
        loss,
      });
    } finally {
      await program.dispose();
    }
  });
  await tell({ precision, ...end });
};
