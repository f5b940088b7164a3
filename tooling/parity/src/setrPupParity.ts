import type { CompileOptions } from '@beit/compile';
import { normOfDifference } from '@beit/measurements';
import { isRunningStatistic, valueAndGrads } from '@beit/optim';
import { createSetrHead, pixelCrossEntropy } from '@beit/segmentation';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { chosen, type Fixture, largestError, relativeError, toChannelsLast } from './fixture';
import type { Measurement } from './measurement';
import { runForward } from './runOnce';

interface SetrFixtureConfig {
  dim: number;
  channels: number;
  numClasses: number;
  numConvs: number;
  upScale: number;
}

type Tensors = Record<string, tf.Tensor>;

/** The names of the fixture are those inside of the head. */
const NAME = 'decode_head';
const named = (tensors: NamedTensors): Record<string, HostTensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${NAME}.${name}`, tensor]));

/** Logits of training and evaluation, loss, running statistics and gradients of a SETR-PUP head. */
export async function setrPupParity(fixture: Fixture, engine: CompileOptions): Promise<Measurement[]> {
  const { dim, ...sizes } = fixture.meta<SetrFixtureConfig>('config');
  const head = createSetrHead({ embedDim: dim, ...sizes, name: NAME });
  const params = named(chosen(fixture.group('param'), (name) => !name.endsWith('num_batches_tracked')));
  const statistics = chosen(params, isRunningStatistic);
  const weights = chosen(params, (name) => !isRunningStatistic(name));
  // Those of the fixture are as they are after the batch; before it they were PyTorch's first ones.
  const initial = Object.fromEntries(
    Object.entries(statistics).map(([name, tensor]) => [
      name,
      { ...tensor, data: tensor.data.map(() => (name.endsWith('running_var') ? 1 : 0)) },
    ]),
  );
  const labels = fixture.tensor('input.labels');
  const inputs = {
    features: toChannelsLast(fixture.tensor('input.features')),
    labels: { dtype: 'int32', shape: labels.shape, data: Int32Array.from(labels.data) } as const,
  };

  const computed = (
    params: { weights: Tensors; initial: Tensors; statistics: Tensors },
    { features, labels }: Record<keyof typeof inputs, tf.Tensor>,
  ) => {
    const { loss, outputs, gradients } = valueAndGrads(
      ({ features, ...weights }) => {
        const trained = head.trainingLogits({ ...weights, ...params.initial }, [features!]);
        return {
          ...trained.statistics,
          logits: trained.logits as tf.Tensor,
          loss: pixelCrossEntropy(trained.logits, labels) as tf.Tensor,
        };
      },
      { ...params.weights, features },
    );
    const { logits, ...statistics } = outputs as Tensors;
    return {
      loss: loss as tf.Tensor,
      logits: logits!,
      statistics,
      gradients: { ...gradients, features: tf.transpose(gradients.features!, [0, 3, 1, 2]) } as Tensors,
      evaluated: head.logits({ ...params.weights, ...params.statistics }, [features]) as tf.Tensor,
    };
  };
  const outputs = await runForward(computed, { weights, initial, statistics }, inputs, engine);
  const expected = fixture.group('grad');
  const { features, ...ofWeights } = expected;
  const gradients = { ...named(ofWeights), features: features! };
  const logits = (name: string) => toChannelsLast(fixture.tensor(`output.${name}`));
  return [
    { group: 'training logits', error: relativeError(outputs.logits, logits('train_logits')) },
    { group: 'evaluation logits', error: relativeError(outputs.evaluated, logits('eval_logits')) },
    { group: 'running statistics', error: largestError(outputs.statistics, statistics) },
    { group: 'loss', error: relativeError(outputs.loss, fixture.tensor('output.loss')) },
    { group: 'gradients', error: largestError(outputs.gradients, gradients) },
    { group: 'all gradients', error: normOfDifference(gradients, outputs.gradients) },
  ];
}
