import { createDvae, type DvaeConfig } from '@beit/dvae';
import { z } from 'zod';
import { json, readMetadata, writeMetadata } from './metadata';
import { constructible, fields, whole } from './recipeSchema';

export const dvaeConfig = fields({
  /** Up to 64 times the largest of the field (262144: MAGVIT-v2, arXiv 2310.05737). */
  vocabSize: whole(2, 2 ** 24),
  hiddenDim: whole(4),
  decoderInitDim: whole(1),
  numGroups: whole(1).optional(),
  blocksPerGroup: whole(1).optional(),
}).check(constructible(createDvae)) satisfies z.ZodType<DvaeConfig>;

/** What the tokenizers of this project, `tokenizer.safetensors`, say of themselves beside their tensors. */
const tokenizerMetadata = z.object({
  /** The architecture. */
  config: json(dvaeConfig.unwrap().strip().check(constructible(createDvae))),
});

export type TokenizerMetadata = z.output<typeof tokenizerMetadata>;

/** @throws with the file's name, the keys that are wrong and what was expected */
export const readTokenizerMetadata = (
  metadata: Readonly<Record<string, string>>,
  file: string,
): TokenizerMetadata => readMetadata(tokenizerMetadata, metadata, file);

export const writeTokenizerMetadata = (described: TokenizerMetadata): Record<string, string> =>
  writeMetadata(described);
