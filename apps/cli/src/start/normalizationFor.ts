import { describeNormalization, type Normalization } from '@beit/weights';
import type { Pretrained } from './loadPretrained';

/**
 * How the pixels of a run are normalized, in every app: as its checkpoint says, else as its recipe does. A file of the
 * official code says nothing, so that the recipes that follow that code keep its numbers.
 *
 * @returns also a line that says which was taken
 */
export function normalizationFor(
  recipe: Normalization,
  pretrained: Pick<Pretrained, 'normalization'> | undefined,
): { readonly normalization: Normalization; readonly note: string } {
  const normalization = pretrained?.normalization ?? recipe;
  const by = pretrained?.normalization ? 'checkpoint' : 'recipe';
  return { normalization, note: `Pixels: ${describeNormalization(normalization)}, as the ${by} says.` };
}
