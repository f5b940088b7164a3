import { createDvae, type Dvae } from '@beit/dvae';
import { normalizationOf, readModelMetadata } from '@beit/schemas';
import { readTokenizerMetadata } from '@beit/schemas/tokenizer';
import type { NamedTensors } from '@beit/tensors';
import { createVit, inferVitConfig, type Vit } from '@beit/vit';
import {
  describeFit,
  fitEncoder,
  fitParameters,
  mmsegmentationLayerNormEpsilon,
  type Normalization,
  parseCheckpoint,
  parseSafetensors,
  type Safetensors,
} from '@beit/weights';

export interface EncoderFile {
  readonly vit: Vit;
  /** Under official names. */
  readonly params: NamedTensors;
  readonly normalization: Normalization;
  /** The vocabulary of its head for masked image modelling, where it has one. */
  readonly vocabSize?: number;
}

export interface TokenizerFile {
  readonly dvae: Dvae;
  readonly params: NamedTensors;
  /** Whether there is what turns tokens into pictures. */
  readonly hasDecoder: boolean;
}

/** Where a file does not say so. @throws for images that are no pictures */
function inception(channels: number, name: string): Normalization {
  if (channels === 1) return { mean: [0.5], std: [0.5] };
  if (channels === 3) return { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
  throw new Error(`${name} is of images of ${channels} channels; expected 3, colors, or 1, gray.`);
}

/**
 * An encoder from a checkpoint of this project, the official code, timm, transformers or mmsegmentation.
 *
 * @throws with what is missing, of another shape, or of no BEiT
 */
export function readEncoder(bytes: Uint8Array, name: string): EncoderFile {
  const checkpoint = parseCheckpoint(bytes, name);
  const own = checkpoint.format === 'beit' ? readModelMetadata(checkpoint.metadata, name) : undefined;
  const layerNormEpsilon = checkpoint.config && mmsegmentationLayerNormEpsilon(checkpoint.config);
  const vit = createVit(
    own?.config ?? {
      ...inferVitConfig(checkpoint.tensors),
      ...(layerNormEpsilon !== undefined && { layerNormEpsilon }),
    },
  );
  const wrong = describeFit(fitEncoder(checkpoint.tensors, vit.parameterShapes()));
  if (wrong !== '') throw new Error(`${name} is no BEiT as it describes itself.\n${wrong}`);
  const head = checkpoint.tensors['lm_head.weight'];
  return {
    vit,
    params: checkpoint.tensors,
    normalization:
      (own && normalizationOf(own)) ?? checkpoint.normalization ?? inception(vit.config.inChannels, name),
    ...(head && 'mask_token' in checkpoint.tensors && { vocabSize: head.shape[0]! }),
  };
}

/** @throws when it is no tokenizer of this project, with what is missing or of another shape; a decoder may be missing whole */
export function readTokenizer(bytes: Uint8Array, name: string): TokenizerFile {
  const { tensors, metadata } = safetensorsOf(bytes, name);
  if (metadata.config === undefined)
    throw new Error(`${name} does not say what tokenizer it holds: its metadata have no "config".`);
  const dvae = createDvae(readTokenizerMetadata(metadata, name).config);
  const hasDecoder = Object.keys(tensors).some((key) => key.startsWith('decoder.'));
  const shapes = Object.entries(dvae.parameterShapes()).filter(
    ([key]) => hasDecoder || key.startsWith('encoder.'),
  );
  const fit = fitParameters(tensors, Object.fromEntries(shapes));
  if (fit.missing.length + fit.misshapen.length > 0)
    throw new Error(`${name} is not the tokenizer that it describes.\n${describeFit({ ...fit, extra: [] })}`);
  return { dvae, params: tensors, hasDecoder };
}

function safetensorsOf(bytes: Uint8Array, name: string): Safetensors {
  try {
    return parseSafetensors(bytes);
  } catch (cause) {
    throw new Error(`Cannot read ${name}: ${(cause as Error).message}`, { cause });
  }
}

/** Whether a safetensors file is a tokenizer, by the names in it. */
export function isTokenizer(bytes: Uint8Array): boolean {
  if (bytes.length < 8) return false;
  // Names stand in the header, whose length is in the first eight bytes; the rest may be large.
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  const header = new TextDecoder().decode(bytes.subarray(8, 8 + Math.min(length, 1 << 20)));
  return header.includes('"encoder.blocks.input.w"');
}
