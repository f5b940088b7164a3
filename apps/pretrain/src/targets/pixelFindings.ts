import { pictureOf, type SummaryRow } from '@beit/report';
import type { Vit } from '@beit/vit';
import type { HeldOut } from '../heldOut';
import { greyed, spreadOver } from '../heldOutPictures';
import type { PretrainRecipe } from '../recipe';
import type { Example } from '../report/reportData';
import type { Findings } from './objective';
import { decibels, formatDecibels } from './patchErrors';
import type { PixelMetrics, PredictedBatch } from './pixelEvaluation';

interface PixelOutcome {
  readonly recipe: PretrainRecipe;
  readonly heldOut: HeldOut;
  readonly vit: Vit;
  readonly title: (name: string) => string;
  readonly metrics: PixelMetrics;
  readonly predicted: readonly PredictedBatch[];
}

/** What is told of a model that predicts pixels. */
export const pixelFindings = (outcome: PixelOutcome): Findings => ({
  results: { pretrain: outcome.metrics },
  summary: summaryOf(outcome.metrics, outcome.heldOut.count),
  examples: examplesOf(outcome),
  examplesNote:
    'From left to right: the original; the masked image that the model sees; and the visible patches together with the ' +
    'predicted ones. The number is the error of the predicted patches.',
});

function summaryOf(m: PixelMetrics, images: number): SummaryRow[] {
  const baseline = "baseline: the mean colour of the image's visible patches";
  const dB = (x: number) => formatDecibels(x);
  return [
    {
      label: 'Masked pixels, PSNR, all patches',
      value: dB(m.psnr),
      baseline: dB(m.meanColorPsnr),
      note: `of ${images} held-out images; ${baseline}`,
    },
    {
      label: 'Masked pixels, PSNR, patches of the object',
      value: dB(m.objectPsnr),
      baseline: dB(m.objectMeanColorPsnr),
      note: baseline,
    },
    {
      label: 'Masked pixels, mean squared error',
      value: m.mse.toFixed(5),
      baseline: m.meanColorMse.toFixed(5),
      note: `of pixels in [0, 1]; ${baseline}`,
    },
    {
      label: 'Masked pixels, loss',
      value: m.loss.toFixed(4),
      note: 'mean squared error of normalized pixels',
    },
  ];
}

function examplesOf({ recipe, heldOut, vit: { gridSize }, title, predicted }: PixelOutcome): Example[] {
  const normalization = recipe.views.normalization;
  const patches = gridSize[0] * gridSize[1];
  return spreadOver(heldOut).map(([b, index]): Example => {
    const { images, masks, names } = heldOut.batches[b]!;
    const { completed, mse: errors } = predicted[b]!;
    const mask = masks[index]!;
    const masked = [...mask.keys()].filter((patch) => mask[patch] === 1);
    const mse = masked.reduce((sum, patch) => sum + errors.data[index * patches + patch]!, 0) / masked.length;
    const original = pictureOf(images, index, normalization);
    const prediction = pictureOf(completed, index, normalization);
    return {
      name: title(names[index]!),
      note: formatDecibels(decibels(mse), 1),
      pictures: [
        { picture: original, caption: 'original' },
        { picture: greyed(original, mask, gridSize), caption: 'masked', detail: ': what the model sees' },
        { picture: prediction, caption: 'prediction', detail: ': masked patches predicted' },
      ],
    };
  });
}
