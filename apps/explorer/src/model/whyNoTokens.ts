import type { EncoderFile, TokenizerFile } from './readModel';

/** In words; nothing where all is there. */
export function whyNoTokens(
  { vocabSize }: Pick<EncoderFile, 'vocabSize'>,
  tokenizer?: TokenizerFile,
): string | undefined {
  if (vocabSize === undefined)
    return 'This checkpoint has no head that predicts visual tokens, so it cannot fill anything in. Pre-training writes one: pnpm --filter pretrain start.';
  if (!tokenizer)
    return 'This needs the tokenizer of the pre-training too: drop the tokenizer.safetensors of the same run beside its model.safetensors.';
  if (!tokenizer.hasDecoder)
    return 'The tokenizer has no decoder, which turns visual tokens into pictures: there is attention alone.';
  const own = tokenizer.dvae.config.vocabSize;
  if (own !== vocabSize)
    return `The tokenizer has ${own} visual tokens and the model predicts ${vocabSize}: they are of different runs. The tokenizer lies in the folder of the model's run.`;
  return undefined;
}
