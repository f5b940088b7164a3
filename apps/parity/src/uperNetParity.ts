import { resizeBilinear2d } from '@beit/nn';
import { isRunningStatistic, valueAndGrads } from '@beit/optim';
import { createFcnHead, createUperHead, pixelCrossEntropy } from '@beit/segmentation';
import type { NamedTensors } from '@beit/weights';
import type * as tf from '@tensorflow/tfjs';
import { type Engine, runOnce } from './engines';
import { chosen, type Fixture, largestError, normError, relativeError, toChannelsLast } from './fixture';
import type { Measurement } from './measurement';

interface UperNetFixtureConfig {
  dim: number;
  channels: number;
  numClasses: number;
  auxiliaryChannels: number;
  auxiliaryWeight: number;
}

type Tensors = Record<string, tf.Tensor>;

const FEATURES = 'features.';
/** The block whose features the auxiliary head looks at, of the four. */
const AUXILIARY = 2;

/** Logits of training and evaluation, loss, running statistics and gradients of UPerNet with its auxiliary head. */
export async function uperNetParity(fixture: Fixture, engine: Engine): Promise<Measurement[]> {
  const { dim, channels, numClasses, ...auxiliaryConfig } = fixture.meta<UperNetFixtureConfig>('config');
  const head = createUperHead({ embedDim: dim, numClasses, channels });
  const auxiliary = createFcnHead({
    embedDim: dim,
    numClasses,
    channels: auxiliaryConfig.auxiliaryChannels,
  });
  const params = fixture.group('param');
  const labels = fixture.tensor('input.labels');
  const features: NamedTensors = Object.fromEntries(
    Object.entries(fixture.group('input'))
      .filter(([name]) => name.startsWith(FEATURES))
      .map(([name, tensor]) => [name, toChannelsLast(tensor)]),
  );
  const inputs = {
    features,
    labels: { dtype: 'int32', shape: labels.shape, data: Int32Array.from(labels.data) } as const,
  };

  const step = (
    state: { weights: Tensors; statistics: Tensors },
    inputs: { features: Tensors; labels: tf.Tensor },
  ) => {
    const lossOf = (logits: tf.Tensor) => {
      const [, height, width] = inputs.labels.shape as [number, number, number];
      return pixelCrossEntropy(resizeBilinear2d(logits, [height, width]), inputs.labels);
    };
    const levels = (tensors: Tensors) => [0, 1, 2, 3].map((level) => tensors[`${FEATURES}${level}`]!);
    const { loss, outputs, gradients } = valueAndGrads(
      (trained) => {
        const all = { ...trained, ...state.statistics };
        const main = head.trainingLogits(all, levels(trained));
        const other = auxiliary.trainingLogits(all, [levels(trained)[AUXILIARY]!]);
        return {
          ...main.statistics,
          ...other.statistics,
          logits: main.logits as tf.Tensor,
          auxiliaryLogits: other.logits as tf.Tensor,
          loss: lossOf(main.logits).add(lossOf(other.logits).mul(auxiliaryConfig.auxiliaryWeight)),
        };
      },
      { ...state.weights, ...inputs.features },
    );
    const { logits, auxiliaryLogits, ...statistics } = outputs as Tensors;
    const evaluated = head.logits({ ...state.weights, ...state.statistics }, levels(inputs.features));
    return {
      state,
      outputs: {
        loss: loss as tf.Tensor,
        logits: logits!,
        auxiliaryLogits: auxiliaryLogits!,
        statistics,
        gradients: gradients as Tensors,
        evaluated: evaluated as tf.Tensor,
      },
    };
  };
  const { outputs } = await runOnce(
    step,
    {
      weights: chosen(params, (name) => !isRunningStatistic(name)),
      statistics: chosen(params, isRunningStatistic),
    },
    inputs,
    engine,
  );
  const logits = (name: string) => toChannelsLast(fixture.tensor(`output.${name}`));
  const gradients = Object.fromEntries(
    Object.entries(fixture.group('grad')).map(([name, tensor]) => [
      name,
      name.startsWith(FEATURES) ? toChannelsLast(tensor) : tensor,
    ]),
  );
  return [
    { group: 'training logits', error: relativeError(outputs.logits, logits('train_logits')) },
    { group: 'auxiliary logits', error: relativeError(outputs.auxiliaryLogits, logits('auxiliary_logits')) },
    { group: 'evaluation logits', error: relativeError(outputs.evaluated, logits('eval_logits')) },
    {
      group: 'running statistics',
      error: largestError(outputs.statistics, fixture.group('output.statistics')),
    },
    { group: 'loss', error: relativeError(outputs.loss, fixture.tensor('output.loss')) },
    { group: 'gradients', error: largestError(outputs.gradients, gradients) },
    { group: 'all gradients', error: normError(outputs.gradients, gradients) },
  ];
}
