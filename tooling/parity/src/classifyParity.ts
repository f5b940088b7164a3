import { createClassifier, softTargets } from '@beit/classification';
import type { CompileOptions } from '@beit/compile';
import { normOfDifference } from '@beit/measurements';
import { valueAndGrads } from '@beit/optim';
import { createVit } from '@beit/vit';
import type * as tf from '@tensorflow/tfjs';
import { type Fixture, largestError, relativeError, toChannelsLast } from './fixture';
import type { Measurement } from './measurement';
import { runForward } from './runOnce';
import { type FixtureSizes, vitSizes } from './vitSizes';

interface ClassifyFixtureConfig extends FixtureSizes {
  numClasses: number;
  labelSmoothing: number;
  meanPooling: boolean;
}

type Tensors = Record<string, tf.Tensor>;

/** Logits, loss with label smoothing and gradients of image classification. */
export async function classifyParity(fixture: Fixture, engine: CompileOptions): Promise<Measurement[]> {
  const config = fixture.meta<ClassifyFixtureConfig>('config');
  const params = fixture.group('param');
  const vit = createVit({
    ...vitSizes(config),
    useAbsPosEmb: 'pos_embed' in params,
    useRelPosBias: true,
    layerScaleInit: 1,
  });
  const classifier = createClassifier({
    backbone: vit,
    numClasses: config.numClasses,
    pooling: config.meanPooling ? 'mean' : 'cls',
  });
  const inputs = {
    images: toChannelsLast(fixture.tensor('input.images')),
    targets: softTargets(fixture.tensor('input.labels').data, config),
  };
  const computed = (p: Tensors, { images, targets }: Record<keyof typeof inputs, tf.Tensor>) => {
    const trained = valueAndGrads((q) => ({ ...classifier.loss(q, images, targets) }), p);
    return {
      logits: classifier.logits(p, images) as tf.Tensor,
      loss: trained.loss,
      gradients: trained.gradients as Tensors,
    };
  };
  const outputs = await runForward(computed, params, inputs, engine);
  return [
    { group: 'logits', error: relativeError(outputs.logits, fixture.tensor('output.logits')) },
    { group: 'loss', error: relativeError(outputs.loss, fixture.tensor('output.loss')) },
    { group: 'gradients', error: largestError(outputs.gradients, fixture.group('grad')) },
    { group: 'all gradients', error: normOfDifference(fixture.group('grad'), outputs.gradients) },
  ];
}
