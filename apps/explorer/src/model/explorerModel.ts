/** What the explorer asks of a model. Runs in a worker; plain data in, plain data out. */
import { psnr } from '@beit/dvae';
import { createMim, encoderImages, fillInRound, maskedAfter } from '@beit/mim';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import type { Codebook } from './codebook';
import { openSession, type Session } from './openSession';
import type { EncoderFile, TokenizerFile } from './readModel';
import { whyNoTokens } from './whyNoTokens';

/** What is to be known of a model before it has seen anything. */
export interface ModelFacts {
  readonly imageSize: readonly [height: number, width: number];
  readonly gridSize: readonly [rows: number, columns: number];
  readonly depth: number;
  readonly numHeads: number;
  readonly parameters: number;
  /** The visual tokens, where there is a tokenizer that fits. */
  readonly tokenizer?: {
    readonly vocabSize: number;
    readonly imageSize: readonly [height: number, width: number];
    readonly patchSize: number;
  };
  /** Why there are no visual tokens, or nothing is filled in. */
  readonly without?: string;
}

/** `[height, width, 3]` in [0, 1], for the encoder and, smaller, for the tokenizer. */
export interface ModelPicture {
  readonly encoder: Float32Array;
  readonly tokenizer?: Float32Array;
}

export interface Attention {
  /** `[depth, numHeads, tokens, tokens]`. */
  readonly data: Float32Array;
  readonly milliseconds: number;
}

export interface Tokens {
  /** `[patches]`. */
  readonly tokens: Int32Array;
  /** What the decoder makes of them, `[height, width, 3]` in [0, 1], of the tokenizer's size. */
  readonly picture: Float32Array;
  /** Of that to the picture that was given, dB. */
  readonly psnr: number;
}

export interface FilledIn extends Tokens {
  /** What was asked for. */
  readonly mask: Uint8Array;
  /** The tokenizer's own, of the whole picture. */
  readonly visualTokens: Int32Array;
  /** The probability of the token taken, when it was taken, `[patches]`. */
  readonly probability: Float32Array;
  readonly milliseconds: number;
}

export interface ExplorerModel {
  readonly facts: ModelFacts;
  attention(picture: ModelPicture): Promise<Attention>;
  tokens(picture: ModelPicture): Promise<Tokens>;
  /**
   * @param mask `[patches]`, 1 = masked
   * @param rounds the most certain patches first, so that others are filled in to fit them; 1: all at once
   */
  fillIn(picture: ModelPicture, mask: Uint8Array, rounds: number): Promise<FilledIn>;
  codebook(): Codebook;
  /** How each token looks among its like, `[count, patchSize, patchSize, 3]` in [0, 1]. */
  tokenPictures(tokens: Int32Array): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Around the token that is looked at are others of its kind, because a decoder sees neighbours. */
const AROUND = 3;
/** Tokens that are drawn at once. */
const DRAWN = 16;

const sizeOfParams = (params: NamedTensors, names: readonly string[]) =>
  names.reduce((sum, name) => sum + (params[name]?.data.length ?? 0), 0);

/** Opens an encoder, and a tokenizer where there is one; programs are made when they are first asked for, that of the attention at once. */
export function createExplorerModel(encoder: EncoderFile, tokenizer?: TokenizerFile): ExplorerModel {
  const { vit, params, normalization, vocabSize } = encoder;
  const { imageSize, depth, numHeads } = vit.config;
  const without = whyNoTokens(encoder, tokenizer);
  const words = without === undefined && tokenizer ? tokenizer : undefined;
  const [rows, columns] = vit.gridSize;
  const patchSize = words?.dvae.downsampling ?? 0;
  const tokenizerSize = [rows * patchSize, columns * patchSize] as const;

  const opened = new Map<string, Promise<Session>>();
  const once = (name: string, open: () => Promise<Session>): Promise<Session> => {
    if (!opened.has(name)) opened.set(name, open());
    return opened.get(name)!;
  };
  const imageSpec = (size: readonly [number, number]) =>
    ({ dtype: 'float32', shape: [1, ...size, 3] }) as const;
  const normalized = (images: tf.Tensor) => encoderImages(images, imageSize, normalization);

  const attentionSession = () =>
    once('attention', () =>
      openSession(
        (p, { images }) => {
          const patches = vit.embedPatches(p, normalized(images));
          const { attention } = vit.encode(p, patches, { withAttention: true });
          return { attention: tf.stack([...attention]) };
        },
        params,
        { images: imageSpec(imageSize) },
      ),
    );

  const wordsOrThrow = (): TokenizerFile => {
    if (!words) throw new Error(without);
    return words;
  };

  const tokenSession = () => {
    const { dvae, params } = wordsOrThrow();
    return once('tokens', () =>
      openSession(
        (p, { images }) => {
          const tokens = dvae.tokenize(p, images);
          return { tokens, picture: dvae.decodeTokens(p, tokens, vit.gridSize) };
        },
        params,
        { images: imageSpec(tokenizerSize) },
      ),
    );
  };

  const fillSession = () => {
    const { dvae, params: own } = wordsOrThrow();
    return once('fillIn', () => {
      const mim = createMim({ backbone: vit, vocabSize: vocabSize! });
      const both = { ...params, ...own };
      return openSession(
        (p, { remaining, ...given }) => {
          const drawn = (tokens: tf.Tensor) => dvae.decodeTokens(p, tokens, vit.gridSize);
          const after = fillInRound(
            {
              logits: (images, mask) => mim.logits(p, normalized(images), mask),
              pictures: (tokens) => tf.image.resizeBilinear(drawn(tokens), [...imageSize], false, true),
              patchSize: vit.config.patchSize,
            },
            given,
            remaining,
          );
          // A model has one name for one tensor.
          return {
            filledImages: after.images,
            filledTokens: after.tokens,
            left: after.mask,
            probability: after.probability,
            picture: drawn(after.tokens),
          };
        },
        both,
        {
          images: imageSpec(imageSize),
          mask: { dtype: 'float32', shape: [1, rows * columns] },
          tokens: { dtype: 'int32', shape: [1, rows * columns] },
          remaining: { dtype: 'int32', shape: [1] },
        },
      );
    });
  };

  const drawSession = () => {
    const { dvae, params } = wordsOrThrow();
    return once('draw', () =>
      openSession(
        (p, { tokens }) => {
          const pictures = dvae.decodeTokens(p, tokens, [AROUND, AROUND]);
          const side = dvae.downsampling;
          const from = side * Math.floor(AROUND / 2);
          return { pictures: tf.slice(pictures, [0, from, from, 0], [DRAWN, side, side, 3]) };
        },
        params,
        { tokens: { dtype: 'int32', shape: [DRAWN, AROUND * AROUND] } },
      ),
    );
  };

  const tokenize = async (images: Float32Array): Promise<Tokens> => {
    const session = await tokenSession();
    const found = await session.run({ images });
    const picture = found.picture as Float32Array;
    return { tokens: Int32Array.from(found.tokens!), picture, psnr: psnr(picture, images) };
  };
  // A brush asks again and again about one picture.
  let last: { readonly images: Float32Array; readonly tokens: Tokens } | undefined;
  const tokens = async (picture: ModelPicture): Promise<Tokens> => {
    const images = picture.tokenizer!;
    if (!last || last.images.length !== images.length || last.images.some((x, i) => x !== images[i]))
      last = { images, tokens: await tokenize(images) };
    return last.tokens;
  };

  // Asked for first, and made while the picture is still read; what goes wrong is told to who asks for it.
  attentionSession().catch(() => {});
  return {
    facts: {
      imageSize,
      gridSize: vit.gridSize,
      depth,
      numHeads,
      parameters: sizeOfParams(params, Object.keys(vit.parameterShapes())),
      ...(words && {
        tokenizer: {
          vocabSize: words.dvae.config.vocabSize,
          imageSize: tokenizerSize,
          patchSize,
        },
      }),
      ...(without !== undefined && { without }),
    },
    async attention({ encoder }) {
      const session = await attentionSession();
      const began = performance.now();
      const { attention } = await session.run({ images: encoder });
      return { data: attention as Float32Array, milliseconds: performance.now() - began };
    },
    tokens,
    async fillIn(picture, mask, rounds) {
      const session = await fillSession();
      const { tokens: visualTokens } = await tokens(picture);
      const began = performance.now();
      const masked = mask.reduce((sum, is) => sum + is, 0);
      const probability = new Float32Array(mask.length);
      let state: Readonly<Record<'images' | 'mask', Float32Array> & { tokens: Int32Array }> = {
        images: picture.encoder,
        tokens: visualTokens,
        mask: Float32Array.from(mask),
      };
      let drawn = picture.tokenizer!;
      for (const remaining of maskedAfter(masked, rounds)) {
        const found = await session.run({ ...state, remaining: Int32Array.of(remaining) });
        const left = found.left as Float32Array;
        for (const [patch, own] of (found.probability as Float32Array).entries())
          if (state.mask[patch] !== left[patch] || mask[patch] === 0) probability[patch] = own;
        state = {
          images: found.filledImages as Float32Array,
          tokens: Int32Array.from(found.filledTokens!),
          mask: left,
        };
        drawn = found.picture as Float32Array;
      }
      return {
        mask,
        visualTokens,
        tokens: state.tokens,
        picture: drawn,
        psnr: psnr(drawn, picture.tokenizer!),
        probability,
        milliseconds: performance.now() - began,
      };
    },
    codebook() {
      const { dvae, params } = wordsOrThrow();
      const { vocabSize, decoderInitDim: dim } = dvae.config;
      const stored = params['decoder.blocks.input.w']!.data;
      const vectors = new Float32Array(vocabSize * dim);
      for (let d = 0; d < dim; d++)
        for (let token = 0; token < vocabSize; token++)
          vectors[token * dim + d] = stored[d * vocabSize + token]!;
      return { vectors, vocabSize };
    },
    async tokenPictures(wanted) {
      const size = wordsOrThrow().dvae.downsampling ** 2 * 3;
      const all = new Float32Array(wanted.length * size);
      const session = await drawSession();
      for (let from = 0; from < wanted.length; from += DRAWN) {
        const batch = Int32Array.from(
          { length: DRAWN * AROUND * AROUND },
          (_, i) => wanted[Math.min(wanted.length - 1, from + Math.floor(i / (AROUND * AROUND)))]!,
        );
        const { pictures } = await session.run({ tokens: batch });
        all.set(
          (pictures as Float32Array).subarray(0, Math.min(DRAWN, wanted.length - from) * size),
          from * size,
        );
      }
      return all;
    },
    async dispose() {
      for (const session of opened.values()) await session.then((own) => own.dispose()).catch(() => {});
      opened.clear();
    },
  };
}
