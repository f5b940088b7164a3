import type { EngineOptions } from '@beit/cli';
import { compileForward } from '@beit/compile';
import { type Dvae, psnr } from '@beit/dvae';
import { elbo, type Mim } from '@beit/mim';
import { formatNumber, type Picture, pictureOf, type SummaryRow } from '@beit/report';
import { type HostTensor, imageSides, type NamedTensors, zeros } from '@beit/tensors';
import { gridOf } from '@beit/vit';
import type * as tf from '@tensorflow/tfjs';
import type { HeldOut } from '../heldOut';
import { greyed, spreadOver } from '../heldOutPictures';
import { hasDecoder } from '../loadTokenizer';
import type { PretrainRecipe } from '../recipe';
import type { ElboRow, Example } from '../report/reportData';
import type { DecoderMetrics, TokenizedBatch, TokenizerMetrics } from '../tokenizerEvaluation';
import { fillInRounds, type MaskedImages, ROUNDS } from './fillInRounds';
import type { MimMetrics } from './mimEvaluation';
import type { Findings } from './objective';
import { formatDecibels } from './patchErrors';

interface TokenOutcome {
  readonly recipe: PretrainRecipe;
  readonly heldOut: HeldOut;
  readonly dvae: Dvae;
  readonly tokenizer: NamedTensors;
  readonly mim: Mim;
  readonly model: NamedTensors;
  readonly title: (name: string) => string;
  readonly tokenizerMetrics: TokenizerMetrics;
  readonly tokenized: readonly TokenizedBatch[];
  readonly mimMetrics: MimMetrics;
  readonly predictions: readonly HostTensor[];
}

/** Where no patch is of an object, there is no share of them. */
const percent = (x: number) => (Number.isFinite(x) ? `${(100 * x).toFixed(1)} %` : 'n/a');
const times = (x: number) => (Number.isFinite(x) ? x.toFixed(1) : 'n/a');

/** What is told of a tokenizer and of the model that predicts its tokens. */
export async function tokenFindings(outcome: TokenOutcome, engine: EngineOptions): Promise<Findings> {
  const { usage, decoded, ...numbers } = outcome.tokenizerMetrics;
  const { counts, ...used } = usage;
  return {
    results: { tokenizer: { ...decoded, ...numbers, ...used }, pretrain: outcome.mimMetrics },
    summary: summaryOf(outcome),
    examples: await examplesOf(outcome, engine),
    examplesNote: `From left to right: the original; ${
      decoded
        ? 'its dVAE reconstruction from all tokens; the masked image that BEiT sees; ' +
          'the visible tokens, decoded; the visible tokens together with the ones BEiT predicts, decoded; ' +
          `and the same predicted in ${ROUNDS} rounds, the most certain tokens first, each of which is seen from then on`
        : 'and the masked image that BEiT sees. The tokenizer has no decoder, so tokens cannot be shown as pictures'
    }. The number is the share of masked tokens that were predicted exactly, at once.`,
    codeCounts: counts,
    ...(decoded && { elbo: elboRows(outcome, decoded) }),
  };
}

function summaryOf({ tokenizerMetrics: t, mimMetrics: m, recipe, heldOut }: TokenOutcome): SummaryRow[] {
  const { vocabSize } = recipe.tokenizer.model;
  const { decoded } = t;
  const reconstruction = decoded && {
    label: 'Reconstruction, PSNR',
    value: formatDecibels(decoded.psnr),
    baseline: formatDecibels(decoded.meanImagePsnr),
    note: `from the most likely tokens of ${heldOut.count} held-out images; baseline: their mean image`,
  };
  return [
    ...(reconstruction ? [reconstruction] : []),
    {
      label: 'Codebook perplexity',
      value: t.usage.perplexity.toFixed(1),
      baseline: `${vocabSize / 4}`,
      note: `${t.usage.used} of ${vocabSize} tokens in use, the most frequent ${percent(t.usage.mostFrequent)}; baseline: a quarter of the vocabulary`,
    },
    {
      label: 'Masked-token accuracy, all patches',
      value: percent(m.mimAccuracy),
      baseline: percent(m.mostFrequent),
      note: `${times(m.mimAccuracy / m.mostFrequent)} times the baseline: always answering the most frequent token`,
    },
    {
      label: 'Masked-token accuracy, patches of the object',
      value: percent(m.objectAccuracy),
      baseline: percent(m.objectMostFrequent),
      note: `${times(m.objectAccuracy / m.objectMostFrequent)} times the baseline: always answering the token most frequent there`,
    },
    {
      label: 'Masked-token loss',
      value: `${m.loss.toFixed(3)} nats`,
      baseline: `${Math.log(vocabSize).toFixed(3)} nats`,
      note: 'baseline: every token alike',
    },
  ];
}

function elboRows(
  { tokenizerMetrics: t, mimMetrics: m, recipe }: TokenOutcome,
  decoded: DecoderMetrics,
): ElboRow[] {
  const [rows, columns] = gridOf(recipe.mim.model);
  const patches = rows * columns;
  const [height, width] = imageSides(recipe.views.tokenImageSize);
  const report = elbo({
    reconstructionNll: decoded.sampledNll,
    klToUniform: t.kl,
    argmaxReconstructionNll: decoded.argmaxNll,
    maskedTokenNll: m.maskedTokenNll,
    allTokensNll: m.allTokensNll,
    patches,
    maskedPatches: m.maskedPatches,
    vocabSize: recipe.tokenizer.model.vocabSize,
    subpixels: 3 * height * width,
  });
  const nats = 'nats per image';
  return [
    {
      term: 'Stage 1: reconstruction',
      symbol: 'E_q[log p(x | z)]',
      value: -decoded.sampledNll,
      unit: nats,
      note: 'tokens drawn from q(z | x)',
    },
    {
      term: 'Stage 1: divergence',
      symbol: 'KL[q(z | x) || uniform]',
      value: t.kl,
      unit: nats,
      note: `at most ${patches} ln ${recipe.tokenizer.model.vocabSize} = ${(patches * Math.log(recipe.tokenizer.model.vocabSize)).toFixed(0)}`,
    },
    {
      term: 'Stage 1: bound',
      symbol: 'ELBO_1',
      value: report.stage1,
      unit: nats,
      note: `${report.stage1BitsPerSubpixel.toFixed(3)} bits per sub-pixel of the mapped image`,
    },
    {
      term: 'Stage 2: reconstruction',
      symbol: 'log p(x | ẑ)',
      value: -decoded.argmaxNll,
      unit: nats,
      note: 'the most likely tokens, frozen',
    },
    {
      term: 'Stage 2: masked tokens',
      symbol: 'Σ_masked log p(ẑ_i | x̃)',
      value: -m.maskedTokenNll,
      unit: nats,
      note: `what is trained; uniform would be ${(-report.uniformMaskedNll).toFixed(1)}`,
    },
    {
      term: 'Stage 2: visible tokens',
      symbol: 'Σ_visible log p(ẑ_i | x̃)',
      value: -report.visibleTokenNll,
      unit: nats,
      note: 'part of the bound, but not of the loss: never trained',
    },
    {
      term: 'Stage 2: partial bound',
      symbol: 'log p(x | ẑ) + Σ_masked log p(ẑ_i | x̃)',
      value: report.stage2Masked,
      unit: nats,
      note: 'visible tokens taken as known',
    },
    {
      term: 'Stage 2: bound',
      symbol: 'ELBO_2',
      value: report.stage2All,
      unit: nats,
      note: `${report.stage2BitsPerSubpixel.toFixed(3)} bits per sub-pixel`,
    },
  ];
}

async function examplesOf(outcome: TokenOutcome, engine: EngineOptions): Promise<Example[]> {
  const { recipe, heldOut, dvae, tokenizer, tokenized, predictions, mim, model, title } = outcome;
  const { gridSize } = mim.backbone;
  const patches = gridSize[0] * gridSize[1];
  const places = spreadOver(heldOut);

  const completed = new Int32Array(places.length * patches);
  places.forEach(([batch, index], i) => {
    const mask = heldOut.batches[batch]!.masks[index]!;
    for (let k = 0; k < patches; k++) {
      const tokens = mask[k] === 1 ? predictions[batch]! : tokenized[batch]!.tokens;
      completed[i * patches + k] = tokens.data[index * patches + k]!;
    }
  });
  const tokens: HostTensor = { dtype: 'int32', shape: [places.length, patches], data: completed };
  const decoded = hasDecoder(tokenizer)
    ? {
        atOnce: await decodeTokens(dvae, tokenizer, tokens, gridSize, engine),
        inRounds: await fillInRounds(
          recipe,
          { dvae, mim, params: { ...model, ...decoderOf(tokenizer) } },
          maskedImages(outcome, places),
          engine,
        ),
      }
    : undefined;

  return places.map(([b, index], i): Example => {
    const batch = heldOut.batches[b]!;
    const mask = batch.masks[index]!;
    const original = pictureOf(batch.images, index, recipe.views.normalization);
    const ofTokens = tokenized[b]!.reconstruction;
    const reconstruction = ofTokens && pictureOf(ofTokens, index);
    const told = (caption: string, { data }: Picture) =>
      `${caption}, ${formatDecibels(psnr(data, rowOf(batch.tokenImages, index)))}`;
    const masked = mask.reduce((count, m) => count + m, 0);
    const right = mask.reduce((count, m, k) => {
      const at = index * patches + k;
      return count + (m === 1 && predictions[b]!.data[at] === tokenized[b]!.tokens.data[at] ? 1 : 0);
    }, 0);
    return {
      name: title(batch.names[index]!),
      note: `${formatNumber((100 * right) / masked, 3)} % of the masked tokens`,
      pictures: [
        { picture: original, caption: 'original' },
        ...shown(reconstruction, (picture) => ({
          picture,
          caption: told('reconstruction', picture),
          detail: ': all its tokens, decoded',
        })),
        { picture: greyed(original, mask, gridSize), caption: 'masked', detail: ': what BEiT sees' },
        ...shown(reconstruction, (picture) => ({
          picture: greyed(picture, mask, gridSize),
          caption: 'visible tokens',
          detail: ', decoded; masked patches grey',
        })),
        ...shown(decoded && pictureOf(decoded.atOnce, i), (picture) => ({
          picture,
          caption: told('prediction', picture),
          detail: ': masked tokens predicted, all decoded',
        })),
        ...shown(decoded && pictureOf(decoded.inRounds, i), (picture) => ({
          picture,
          caption: told(`in ${ROUNDS} rounds`, picture),
          detail: ': the most certain tokens first, each seen in the rounds after it',
        })),
      ],
    };
  });
}

/** The examples, as the encoder takes them. */
function maskedImages(
  { heldOut, tokenized }: TokenOutcome,
  places: readonly (readonly [batch: number, index: number])[],
): MaskedImages {
  return {
    images: rowsOf(places.map(([b, index]) => [heldOut.batches[b]!.images, index])),
    tokens: rowsOf(places.map(([b, index]) => [tokenized[b]!.tokens, index])),
    masks: places.map(([b, index]) => heldOut.batches[b]!.masks[index]!),
  };
}

/** What a tensor has of one example. */
const rowOf = ({ data, shape }: HostTensor, index: number) => {
  const size = data.length / shape[0]!;
  return data.subarray(index * size, (index + 1) * size);
};

/** Examples of several tensors of one kind as one tensor. */
function rowsOf(rows: readonly (readonly [HostTensor, index: number])[]): HostTensor {
  const [[first]] = rows as [readonly [HostTensor, number]];
  const all = zeros([rows.length, ...first.shape.slice(1)], first.dtype);
  const size = all.data.length / rows.length;
  for (const [i, [tensor, index]] of rows.entries()) all.data.set(rowOf(tensor, index), i * size);
  return all;
}

const decoderOf = (tokenizer: NamedTensors): NamedTensors =>
  Object.fromEntries(Object.entries(tokenizer).filter(([name]) => name.startsWith('decoder.')));

/** What there is only with a decoder. */
const shown = <T, U>(value: T | undefined, show: (value: T) => U): U[] =>
  value === undefined ? [] : [show(value)];

async function decodeTokens(
  dvae: Dvae,
  params: NamedTensors,
  tokens: HostTensor,
  gridSize: readonly [number, number],
  engine: EngineOptions,
): Promise<HostTensor> {
  const program = await compileForward(
    (params: Record<string, tf.Tensor>, { tokens }: { tokens: tf.Tensor }) => ({
      images: dvae.decodeTokens(params, tokens, gridSize),
    }),
    { params, inputs: { tokens: { dtype: 'int32', shape: tokens.shape } } },
    engine,
  );
  const { images } = await program.run({ tokens });
  await program.dispose();
  return images;
}
