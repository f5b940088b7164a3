import type { CompileOptions } from '@beit/compile';
import { createDvae, gumbelSoftmax, klToUniform, logitLaplaceNll, mapPixels, unmapPixels } from '@beit/dvae';
import { normOfDifference } from '@beit/measurements';
import type { TensorParams } from '@beit/nn';
import { valueAndGrads } from '@beit/optim';
import { withPrefix } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { type Fixture, largestError, relativeError, shareOfDifferent, toChannelsLast } from './fixture';
import type { Measurement } from './measurement';
import { runForward } from './runOnce';

interface DvaeFixtureConfig {
  hidden: number;
  decoderInit: number;
  groups: number;
  blocksPerGroup: number;
  vocabSize: number;
}
type Tensors = Record<string, tf.Tensor>;

/** Encoder, decoder, likelihood, KL, loss and gradients of the discrete VAE. */
export async function dvaeParity(fixture: Fixture, engine: CompileOptions): Promise<Measurement[]> {
  const config = fixture.meta<DvaeFixtureConfig>('config');
  const klWeight = fixture.meta<number>('klWeight');
  const temperature = fixture.meta<number>('temperature');
  const dvae = createDvae({
    vocabSize: config.vocabSize,
    hiddenDim: config.hidden,
    decoderInitDim: config.decoderInit,
    numGroups: config.groups,
    blocksPerGroup: config.blocksPerGroup,
  });
  const params = {
    ...withPrefix(fixture.group('encoder'), 'encoder.'),
    ...withPrefix(fixture.group('decoder'), 'decoder.'),
  };
  const inputs = {
    images: toChannelsLast(fixture.tensor('input.images')),
    gumbel: toChannelsLast(fixture.tensor('input.gumbel')),
  };
  const computed = (params: Tensors, { images, gumbel }: Record<keyof typeof inputs, tf.Tensor>) => {
    const { loss, outputs, gradients } = valueAndGrads((p) => {
      const logits = dvae.encode(p as TensorParams, images);
      const distribution = dvae.decode(
        p as TensorParams,
        gumbelSoftmax(logits, gumbel, tf.scalar(temperature)),
      );
      const mapped = mapPixels(images);
      const nll = tf.sum(logitLaplaceNll(mapped, distribution), [1, 2, 3]);
      const kl = tf.sum(klToUniform(logits), [1, 2]);
      return {
        loss: tf.add(tf.mean(nll), tf.mul(tf.mean(kl), klWeight)) as tf.Scalar,
        mapped,
        logits,
        reconstruction: tf.concat([distribution.mu, distribution.logB], 3),
        unmapped: unmapPixels(tf.sigmoid(distribution.mu)),
        nll,
        kl,
      };
    }, params);
    const tokens = dvae.tokenize(params, images);
    return { loss, tokens, gradients: gradients as Tensors, parts: outputs as Tensors };
  };
  const outputs = await runForward(computed, params, inputs, engine);
  const found = { ...outputs.parts, loss: outputs.loss, tokens: outputs.tokens };
  const expected = fixture.group('output');
  const compared = ['mapped', 'logits', 'tokens', 'reconstruction', 'unmapped', 'nll', 'kl', 'loss'];
  const measured = compared.map((name) => {
    const reference = expected[name]!;
    const target = reference.shape.length === 4 ? toChannelsLast(reference) : reference;
    const actual = found[name as keyof typeof found]!;
    const error = name === 'tokens' ? shareOfDifferent(actual, target) : relativeError(actual, target);
    return { group: name, error };
  });
  const gradients = fixture.group('grad');
  return [
    ...measured,
    { group: 'gradients', error: largestError(outputs.gradients, gradients) },
    { group: 'all gradients', error: normOfDifference(gradients, outputs.gradients) },
  ];
}
