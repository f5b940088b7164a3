import { channelsOf, describeNormalization, type Normalization, type PerChannel } from '@beit/weights';
import type { Pretrained } from './loadPretrained';

/**
 * How the pixels of a run are normalized, in every app: as its checkpoint says, else as its recipe does. A file of the
 * official code says nothing, so that the recipes that follow that code keep its numbers.
 *
 * Where a checkpoint is of colors and the recipe's pictures are gray, it is the mean over the colors: the filters become
 * their sum, see `adaptInputChannels` of `@beit/vit`.
 *
 * @returns also a line that says which was taken
 * @throws Error when the checkpoint is of gray pictures, and the recipe's are in colors
 */
export function normalizationFor(
  recipe: Normalization,
  pretrained: Pick<Pretrained, 'normalization'> | undefined,
): { readonly normalization: Normalization; readonly note: string } {
  const stated = pretrained?.normalization;
  if (!stated)
    return { normalization: recipe, note: `Pixels: ${describeNormalization(recipe)}, as the recipe says.` };
  const [from, to] = [channelsOf(stated), channelsOf(recipe)];
  if (from === 1 && to === 3)
    throw new Error(
      'The checkpoint is of gray pictures, and the recipe of pictures in colors; expected a recipe with inChannels 1 and a normalization of one number each.',
    );
  const normalization = from === to ? stated : { mean: averaged(stated.mean), std: averaged(stated.std) };
  const how = from === to ? 'as the checkpoint says' : "the mean of the checkpoint's over the colors";
  return { normalization, note: `Pixels: ${describeNormalization(normalization)}, ${how}.` };
}

const averaged = (values: PerChannel): PerChannel => [
  values.reduce((sum: number, value) => sum + value, 0) / values.length,
];
