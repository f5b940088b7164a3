/** What the page is to show, computed in Node. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileForward } from '@beit/compile';
import { createDvae } from '@beit/dvae';
import { completeTokens, createMim, encoderImages, fillInRound, maskedAfter } from '@beit/mim';
import { readModelMetadata } from '@beit/schemas';
import { readTokenizerMetadata } from '@beit/schemas/tokenizer';
import type { HostTensor, NamedTensors, TensorSpec } from '@beit/tensors';
import { createVit } from '@beit/vit';
import { parseSafetensors } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';

export const BUNDLE = join(__dirname, '../public/bundle');

type Tensors = Record<string, tf.Tensor>;

export async function nodeModel() {
  const read = async (name: string) => parseSafetensors(await readFile(join(BUNDLE, name)));
  const model = await read('model.safetensors');
  const words = await read('tokenizer.safetensors');
  const vit = createVit(readModelMetadata(model.metadata, 'the model').config);
  const dvae = createDvae(readTokenizerMetadata(words.metadata, 'the tokenizer').config);
  const mim = createMim({ backbone: vit, vocabSize: dvae.config.vocabSize });
  const patches = vit.gridSize[0] * vit.gridSize[1];
  const tokenizerSize = vit.gridSize[0] * dvae.downsampling;

  async function run(
    f: (params: Tensors, inputs: Tensors) => Tensors,
    params: NamedTensors,
    inputs: Readonly<Record<string, HostTensor & TensorSpec>>,
  ): Promise<Record<string, HostTensor>> {
    const program = await compileForward(f, { params, inputs }, { engine: 'onnxruntime' });
    try {
      const outputs = (await program.run(inputs)) as Record<string, HostTensor>;
      // Copied: the program's memory goes with it.
      return Object.fromEntries(
        Object.entries(outputs).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]),
      ) as Record<string, HostTensor>;
    } finally {
      await program.dispose();
    }
  }
  const imagesOf = (pixels: Float32Array, size: readonly [number, number]) => ({
    dtype: 'float32' as const,
    shape: [1, ...size, 3],
    data: pixels,
  });
  const { imageSize } = vit.config;
  const normalized = (images: tf.Tensor) => tf.sub(tf.mul(images, 2), 1);

  const tokens = async (pixels: Float32Array): Promise<Int32Array> => {
    const images = imagesOf(pixels, [tokenizerSize, tokenizerSize]);
    const { tokens } = await run((p, { images }) => ({ tokens: dvae.tokenize(p, images!) }), words.tensors, {
      images,
    });
    return tokens!.data as Int32Array;
  };
  return {
    vit,
    dvae,
    patches,
    tokenizerSize,
    codebook: words.tensors['decoder.blocks.input.w']!.data as Float32Array,
    /** `[depth, numHeads, tokens, tokens]`. @param pixels `[size, size, 3]` in [0, 1] */
    async attention(pixels: Float32Array): Promise<Float32Array> {
      const { attention } = await run(
        (p, { images }) => {
          const embedded = vit.embedPatches(p, normalized(images!));
          return { attention: tf.stack([...vit.encode(p, embedded, { withAttention: true }).attention]) };
        },
        Object.fromEntries(Object.keys(vit.parameterShapes()).map((name) => [name, model.tensors[name]!])),
        { images: imagesOf(pixels, imageSize) },
      );
      return attention!.data as Float32Array;
    },
    tokens,
    async fillIn(pixels: Float32Array, small: Float32Array, mask: Uint8Array) {
      const found = await run(
        (p, { images, mask, visualTokens }) => {
          const logits = mim.logits(p, normalized(images!), mask!);
          const tokens = completeTokens(logits, visualTokens!, mask!);
          return {
            tokens,
            probability: tf.max(tf.softmax(logits), 2),
            picture: dvae.decodeTokens(p, tokens, vit.gridSize),
          };
        },
        { ...model.tensors, ...words.tensors },
        {
          images: imagesOf(pixels, imageSize),
          mask: { dtype: 'float32', shape: [1, patches], data: Float32Array.from(mask) },
          visualTokens: { dtype: 'int32', shape: [1, patches], data: await tokens(small) },
        },
      );
      return {
        tokens: [...found.tokens!.data],
        probability: [...found.probability!.data],
        pixels: [...found.picture!.data],
      };
    },
    /** What tokens there are in the end. */
    async fillInRounds(pixels: Float32Array, small: Float32Array, mask: Uint8Array, rounds: number) {
      const masked = mask.reduce((sum, is) => sum + is, 0);
      const colors = { mean: [0, 0, 0], std: [1, 1, 1] };
      const stateOf = (images: Float32Array, tokens: Int32Array, mask: Float32Array) => ({
        images: imagesOf(images, imageSize),
        tokens: { dtype: 'int32' as const, shape: [1, patches], data: tokens },
        mask: { dtype: 'float32' as const, shape: [1, patches], data: mask },
      });
      let state = stateOf(pixels, await tokens(small), Float32Array.from(mask));
      for (const remaining of maskedAfter(masked, rounds)) {
        const found = await run(
          (p, { images, tokens, mask, remaining }) => {
            const after = fillInRound(
              {
                logits: (images, mask) => mim.logits(p, normalized(images), mask),
                pictures: (tokens) =>
                  encoderImages(dvae.decodeTokens(p, tokens, vit.gridSize), imageSize, colors),
                patchSize: vit.config.patchSize,
              },
              { images: images!, tokens: tokens!, mask: mask! },
              remaining!,
            );
            return { images: after.images, tokens: after.tokens, mask: after.mask };
          },
          { ...model.tensors, ...words.tensors },
          { ...state, remaining: { dtype: 'int32', shape: [1], data: Int32Array.of(remaining) } },
        );
        state = stateOf(
          found.images!.data as Float32Array,
          found.tokens!.data as Int32Array,
          found.mask!.data as Float32Array,
        );
      }
      return [...state.tokens.data];
    },
  };
}
