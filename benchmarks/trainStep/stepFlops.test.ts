import { optimize, trace } from '@beit/compile';
import { stepFlops } from '@beit/measurements';
import { pretrainStep } from '@beit/mim';
import { trainState } from '@beit/optim';
import { createTask, type Task, VOCAB_SIZE } from './task';

/** Operations of the matrix products in the traced program. */
function countedFlops(task: Task): number {
  const { mim, optimizer, params, batch, scalars } = createTask(task);
  const { graph } = trace(pretrainStep(mim, optimizer), trainState(params, optimizer), {
    batch,
    scalars: scalars(0),
  });
  return optimize(graph).nodes.reduce((sum, { op, inputs, outputs: [product], attributes }) => {
    if (op !== 'MatMul') return sum;
    const inner = inputs[0].shape.at(attributes.transposeA ? -2 : -1)!;
    return sum + 2 * inner * product.shape.reduce((size, dim) => size * dim, 1);
  }, 0);
}

test.each(['all', 'masked'] as const)('counts the matrix products of the traced step: %s', (lastBlock) => {
  const model = { imageSize: 48, patchSize: 16, embedDim: 32, depth: 3, numHeads: 2 };
  const task = { model, batchSize: 2, numMasked: 4, lastBlock };
  expect(countedFlops(task)).toBe(stepFlops(model, { ...task, vocabSize: VOCAB_SIZE }));
});
