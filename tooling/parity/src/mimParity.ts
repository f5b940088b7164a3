import type { CompileOptions } from '@beit/compile';
import { toMaskedPositions } from '@beit/masking';
import { normOfDifference } from '@beit/measurements';
import { createMim, toMask } from '@beit/mim';
import type { TensorParams } from '@beit/nn';
import { valueAndGrads } from '@beit/optim';
import { createVit, type VitConfig } from '@beit/vit';
import type * as tf from '@tensorflow/tfjs';
import { type Fixture, largestError, relativeError, toChannelsLast } from './fixture';
import type { Measurement } from './measurement';
import { runForward } from './runOnce';
import { type FixtureSizes, vitSizes } from './vitSizes';

interface MimFixtureConfig extends FixtureSizes {
  vocabSize: number;
  use_absolute_position_embeddings: boolean;
  use_relative_position_bias: boolean;
  use_shared_relative_position_bias: boolean;
  layer_scale_init_value: number;
}

const vitConfigOf = (config: Omit<MimFixtureConfig, 'vocabSize'>, layerNormEpsilon: number): VitConfig => ({
  ...vitSizes(config),
  useAbsPosEmb: config.use_absolute_position_embeddings,
  useRelPosBias: config.use_relative_position_bias,
  useSharedRelPosBias: config.use_shared_relative_position_bias,
  layerScaleInit: config.layer_scale_init_value,
  layerNormEpsilon,
});

type Tensors = Record<string, tf.Tensor>;

/** Hidden states, attention, logits, loss, accuracy and gradients of masked image modelling. */
export async function mimParity(fixture: Fixture, engine: CompileOptions): Promise<Measurement[]> {
  const config = fixture.meta<MimFixtureConfig>('config');
  const layerNormEpsilon = fixture.meta<number>('layerNormEps');
  const vit = createVit(vitConfigOf(config, layerNormEpsilon));
  const mim = createMim({ backbone: vit, vocabSize: config.vocabSize, layerNormEpsilon });
  const [batch, patches] = fixture.tensor('input.mask').shape as [number, number];
  const flat = Uint8Array.from(fixture.tensor('input.mask').data);
  const rows = Array.from({ length: batch }, (_, i) => flat.subarray(i * patches, (i + 1) * patches));
  const masked = toMaskedPositions(rows, patches);
  const inputs = {
    images: toChannelsLast(fixture.tensor('input.images')),
    tokens: fixture.tensor('input.tokens'),
    positions: { dtype: 'int32', shape: masked.shape, data: masked.positions },
    weights: { dtype: 'float32', shape: masked.shape, data: masked.weights },
  } as const;

  const computed = (
    params: Tensors,
    { images, tokens, positions, weights }: Record<keyof typeof inputs, tf.Tensor>,
  ) => {
    const chosen = { positions, weights };
    const mask = toMask(chosen, patches);
    const trained = valueAndGrads(
      (p) => ({ ...mim.loss(p as TensorParams, images, tokens, chosen) }),
      params,
    );
    // The hidden states come from the backbone, which sees the corrupted patch embeddings.
    const seen: { hidden?: readonly tf.Tensor[]; attention?: readonly tf.Tensor[] } = {};
    const observed = createMim({
      vocabSize: config.vocabSize,
      layerNormEpsilon,
      backbone: {
        ...vit,
        encode: (p, embeddings) => Object.assign(seen, vit.encode(p, embeddings, { withAttention: true })),
      },
    });
    const logits = observed.logits(params, images, mask);
    return {
      loss: trained.loss,
      mimAccuracy: trained.outputs.mimAccuracy as tf.Tensor,
      logits,
      gradients: trained.gradients as Tensors,
      hidden: Object.fromEntries(seen.hidden!.map((x, i) => [i, x])) as Tensors,
      attention: Object.fromEntries(seen.attention!.map((x, i) => [i, x])) as Tensors,
    };
  };
  const outputs = await runForward(computed, fixture.group('param'), inputs, engine);
  return [
    { group: 'hidden states', error: largestError(outputs.hidden, fixture.group('output.hidden')) },
    { group: 'attention', error: largestError(outputs.attention, fixture.group('output.attention')) },
    { group: 'logits', error: relativeError(outputs.logits, fixture.tensor('output.logits')) },
    { group: 'loss', error: relativeError(outputs.loss, fixture.tensor('output.loss')) },
    { group: 'accuracy', error: relativeError(outputs.mimAccuracy, fixture.tensor('output.mlm_acc')) },
    { group: 'gradients', error: largestError(outputs.gradients, fixture.group('grad')) },
    { group: 'all gradients', error: normOfDifference(fixture.group('grad'), outputs.gradients) },
  ];
}
