import { join } from 'node:path';
import { tensorsDigest } from '@beit/cli';
import { createDvae, type Dvae } from '@beit/dvae';
import { writeTokenizerMetadata } from '@beit/schemas/tokenizer';
import type { StageResult } from '@beit/stage';
import type { NamedTensors } from '@beit/tensors';
import { isFirst } from '@beit/trainer';
import { loadSafetensors, saveSafetensors } from '@beit/weights';
import type { HeldOut } from './heldOut';
import { hasDecoder, loadTokenizer } from './loadTokenizer';
import type { PretrainRecipe } from './recipe';
import { tokenizerEvaluation } from './tokenizerEvaluation';
import { type PretrainStageOptions, tokenizerStage } from './tokenizerStage';

export interface ObtainedTokenizer {
  readonly params: NamedTensors;
  readonly unreadable: StageResult['unreadable'];
}

export interface TokenizerOptions {
  /** The folder of the run. */
  readonly out: string;
  /** Whether it held the run before: what lies there otherwise is of none. */
  readonly continues: boolean;
  /** A file to take it from. */
  readonly given: string | undefined;
  readonly heldOut: HeldOut;
}

/**
 * The tokenizer of a run: that of a given file, or of an earlier part of the run whose stage 1 is over, or a newly trained
 * one, which then lies in its folder.
 *
 * @returns undefined when the training was interrupted
 */
export async function obtainTokenizer(
  stage: Omit<PretrainStageOptions, 'runDir'>,
  { out, continues, given, heldOut }: TokenizerOptions,
): Promise<ObtainedTokenizer | undefined> {
  const dvae = createDvae(stage.recipe.tokenizer.model);
  const ready =
    given === undefined
      ? continues && (await finishedTokenizer(tokenizerIn(out), dvae))
      : await loadTokenizer(given, stage.recipe.tokenizer.model);
  if (ready && !hasDecoder(ready))
    stage.progress?.message(
      'The tokenizer has no decoder, which pre-training does not need: there will be no reconstructions in the report.',
    );
  if (ready) return { params: ready, unreadable: [] };
  const tokenizer = await trained(stage, out, dvae, heldOut);
  if (tokenizer && isFirst(stage.job)) await saveTokenizer(out, tokenizer.params, stage.recipe);
  return tokenizer;
}

/** Writes the tokenizer of a run into its folder; one that was given comes there when the run is over. */
export const saveTokenizer = (
  out: string,
  params: NamedTensors,
  { tokenizer: { model } }: PretrainRecipe,
): Promise<void> =>
  saveSafetensors(tokenizerIn(out), params, {
    ...writeTokenizerMetadata({ config: createDvae(model).config }),
    sha256: tensorsDigest(params),
  });

const tokenizerIn = (out: string) => join(out, 'tokenizer.safetensors');

/** The tokenizer of a run whose first stage is over. */
async function finishedTokenizer(path: string, dvae: Dvae): Promise<NamedTensors | undefined> {
  const file = await loadSafetensors(path).catch((error: { code?: string; cause?: { code?: string } }) => {
    if (error.code === 'ENOENT' || error.cause?.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return undefined;
  if (file.metadata.config !== writeTokenizerMetadata({ config: dvae.config }).config) {
    throw new Error(`${path} is a tokenizer of another recipe. Choose another --out.`);
  }
  const { sha256 } = file.metadata;
  if (sha256 !== undefined && sha256 !== tensorsDigest(file.tensors))
    throw new Error(
      `${path} is damaged: its numbers are not those that were written. Remove it: stage 1 makes it anew from its last checkpoint.`,
    );
  return file.tensors;
}

async function trained(
  stage: Omit<PretrainStageOptions, 'runDir'>,
  out: string,
  dvae: Dvae,
  heldOut: HeldOut,
): Promise<ObtainedTokenizer | undefined> {
  const evaluation = isFirst(stage.job)
    ? await tokenizerEvaluation(dvae, heldOut, stage.recipe, stage.engine, { withDecoder: true })
    : undefined;
  const result = await tokenizerStage({ ...stage, runDir: join(out, 'tokenizer') }, async (_dvae, params) => {
    const { metrics } = await evaluation!.evaluate(params);
    return {
      psnr: metrics.decoded!.psnr,
      perplexity: metrics.usage.perplexity,
      usedTokens: metrics.usage.used,
    };
  });
  await evaluation?.dispose();
  return result.interrupted ? undefined : result;
}
