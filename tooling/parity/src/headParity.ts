import type { CompileOptions } from '@beit/compile';
import { normOfDifference } from '@beit/measurements';
import { resizeBilinear2d } from '@beit/nn';
import { isRunningStatistic, valueAndGrads } from '@beit/optim';
import {
  createFcnHead,
  createMlaHead,
  createSetrHead,
  createUperHead,
  pixelCrossEntropy,
  type SegmentationHead,
} from '@beit/segmentation';
import type { NamedTensors } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import { chosen, type Fixture, largestError, relativeError, toChannelsLast } from './fixture';
import type { EngineCheck, Measurement } from './measurement';
import { runForward } from './runOnce';

type Tensors = Record<string, tf.Tensor>;

interface Heads {
  readonly main: SegmentationHead;
  /** On the features of one of the blocks. */
  readonly auxiliary?: {
    readonly head: SegmentationHead;
    readonly level: number;
    /** The factor of its loss. */
    readonly weight: number;
  };
}

interface Sizes {
  dim: number;
  channels: number;
  numClasses: number;
}

export const uperNetParity: EngineCheck = (fixture, engine) => {
  type Config = Sizes & { auxiliaryChannels: number; auxiliaryWeight: number };
  const { dim: embedDim, auxiliaryChannels, auxiliaryWeight, ...sizes } = fixture.meta<Config>('config');
  const { numClasses } = sizes;
  const auxiliary = {
    head: createFcnHead({ embedDim, numClasses, channels: auxiliaryChannels }),
    level: 2,
    weight: auxiliaryWeight,
  };
  return headParity(fixture, engine, { main: createUperHead({ embedDim, ...sizes }), auxiliary });
};

export const setrNaiveParity: EngineCheck = (fixture, engine) => {
  type Config = Sizes & { numConvs: number; upScale: number; kernelSize: 1 | 3 };
  const { dim: embedDim, ...sizes } = fixture.meta<Config>('config');
  return headParity(fixture, engine, { main: createSetrHead({ embedDim, ...sizes }) });
};

export const setrMlaParity: EngineCheck = (fixture, engine) => {
  const { dim: embedDim, ...sizes } = fixture.meta<Sizes & { headChannels: number }>('config');
  return headParity(fixture, engine, { main: createMlaHead({ embedDim, ...sizes }) });
};

const FEATURES = 'features.';

/** Logits of training and evaluation, loss, running statistics and gradients of heads on features of several blocks. */
async function headParity(
  fixture: Fixture,
  engine: CompileOptions,
  { main, auxiliary }: Heads,
): Promise<Measurement[]> {
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

  const computed = (
    params: { weights: Tensors; statistics: Tensors },
    inputs: { features: Tensors; labels: tf.Tensor },
  ) => {
    const lossOf = (logits: tf.Tensor) => {
      const [, height, width] = inputs.labels.shape as [number, number, number];
      return pixelCrossEntropy(resizeBilinear2d(logits, [height, width]), inputs.labels);
    };
    const levels = (tensors: Tensors) => Object.keys(features).map((name) => tensors[name]!);
    const { loss, outputs, gradients } = valueAndGrads(
      (trained) => {
        const all = { ...trained, ...params.statistics };
        const own = main.trainingLogits(all, levels(trained));
        const logits = own.logits as tf.Tensor;
        if (!auxiliary) return { ...own.statistics, logits, loss: lossOf(logits) };
        const other = auxiliary.head.trainingLogits(all, [levels(trained)[auxiliary.level]!]);
        return {
          ...own.statistics,
          ...other.statistics,
          logits,
          auxiliaryLogits: other.logits as tf.Tensor,
          loss: lossOf(logits).add(lossOf(other.logits).mul(auxiliary.weight)),
        };
      },
      { ...params.weights, ...inputs.features },
    );
    const { logits, auxiliaryLogits, ...statistics } = outputs as Tensors;
    const evaluated = main.logits({ ...params.weights, ...params.statistics }, levels(inputs.features));
    return {
      loss: loss as tf.Tensor,
      logits: logits!,
      ...(auxiliaryLogits && { auxiliaryLogits }),
      statistics,
      gradients: gradients as Tensors,
      evaluated: evaluated as tf.Tensor,
    };
  };
  const outputs = await runForward(
    computed,
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
    ...(outputs.auxiliaryLogits
      ? [
          {
            group: 'auxiliary logits',
            error: relativeError(outputs.auxiliaryLogits, logits('auxiliary_logits')),
          },
        ]
      : []),
    { group: 'evaluation logits', error: relativeError(outputs.evaluated, logits('eval_logits')) },
    {
      group: 'running statistics',
      error: largestError(outputs.statistics, fixture.group('output.statistics')),
    },
    { group: 'loss', error: relativeError(outputs.loss, fixture.tensor('output.loss')) },
    { group: 'gradients', error: largestError(outputs.gradients, gradients) },
    { group: 'all gradients', error: normOfDifference(gradients, outputs.gradients) },
  ];
}
