import type { EngineOptions } from '@beit/cli';
import { compileForward } from '@beit/compile';
import type { Dvae } from '@beit/dvae';
import { encoderImages, fillInRound, type Mim, maskedAfter } from '@beit/mim';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { resolveVitConfig } from '@beit/vit';
import type * as tf from '@tensorflow/tfjs';
import { maskTensor } from '../heldOut';
import type { PretrainRecipe } from '../recipe';

type Tensors = Record<string, tf.Tensor>;

export const ROUNDS = 8;

export interface MaskedImages {
  /** `[count, height, width, channels]`, as the encoder takes them. */
  readonly images: HostTensor;
  /** `[count, patches]` int32, of which the visible ones are used. */
  readonly tokens: HostTensor;
  /** Of each image `[patches]`, 1 = masked. */
  readonly masks: readonly Uint8Array[];
}

/**
 * Masked patches filled in, in `ROUNDS` rounds; see `fillInRound`.
 *
 * @param params of the model, and of the decoder
 * @returns all tokens in the end, decoded: `[count, height, width, 3]` in [0, 1], of the tokenizer's size
 */
export async function fillInRounds(
  recipe: PretrainRecipe,
  { dvae, mim, params }: { readonly dvae: Dvae; readonly mim: Mim; readonly params: NamedTensors },
  { images, tokens, masks }: MaskedImages,
  engine: EngineOptions,
): Promise<HostTensor> {
  const { imageSize, patchSize } = resolveVitConfig(recipe.mim.model);
  const { normalization } = recipe.views;
  const { gridSize } = mim.backbone;
  const count = masks.length;
  const round = (p: Tensors, given: Record<'images' | 'tokens' | 'mask' | 'remaining', tf.Tensor>) => {
    const model = {
      logits: (images: tf.Tensor, mask: tf.Tensor) => mim.logits(p, images, mask),
      pictures: (tokens: tf.Tensor) =>
        encoderImages(dvae.decodeTokens(p, tokens, gridSize), imageSize, normalization),
      patchSize,
    };
    const { images, tokens, mask } = fillInRound(model, given, given.remaining);
    return { images, tokens, mask, pictures: dvae.decodeTokens(p, tokens, gridSize) };
  };
  const program = await compileForward(
    round,
    {
      params,
      inputs: {
        images: { dtype: 'float32', shape: images.shape },
        tokens: { dtype: 'int32', shape: tokens.shape },
        mask: { dtype: 'float32', shape: tokens.shape },
        remaining: { dtype: 'int32', shape: [count] },
      },
    },
    engine,
  );
  const schedules = masks.map((mask) =>
    maskedAfter(
      mask.reduce((sum, m) => sum + m, 0),
      ROUNDS,
    ),
  );
  let state: { images: HostTensor; tokens: HostTensor; mask: HostTensor } = {
    images,
    tokens,
    mask: maskTensor(masks, count),
  };
  let pictures: HostTensor | undefined;
  for (let i = 0; i < ROUNDS; i++) {
    const remaining = Int32Array.from(schedules, (schedule) => schedule[i]!);
    const after = await program.run({
      ...state,
      remaining: { dtype: 'int32', shape: [count], data: remaining },
    });
    state = { images: after.images, tokens: after.tokens, mask: after.mask };
    pictures = after.pictures;
  }
  await program.dispose();
  return pictures!;
}
