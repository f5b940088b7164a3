import { load } from 'js-yaml';
import { z } from 'zod';

/** What a data set's card says of its columns (huggingface/datasets, info.py and features.py, as YAML). */
const labelColumn = z.object({
  name: z.literal('label'),
  dtype: z.object({ class_label: z.object({ names: z.record(z.string(), z.string()) }) }),
});
const description = z.object({ features: z.array(z.unknown()) });
const card = z.object({ dataset_info: z.union([z.array(description), description]) });

/**
 * Names of the classes in the column `label`, by number, as the card of a data set on the Hub says: its `README.md` begins
 * with YAML. Undefined where it does not say so, or its configurations say several things.
 */
export function classNamesOfCard(readme: string): readonly string[] | undefined {
  const [, yaml] = /^---\r?\n(.*?)\r?\n---/s.exec(readme) ?? [];
  if (yaml === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = load(yaml);
  } catch {
    return undefined;
  }
  const { data } = card.safeParse(parsed);
  if (!data) return undefined;
  const lists = [data.dataset_info].flat().flatMap(({ features }) =>
    features.flatMap((feature) => {
      const found = labelColumn.safeParse(feature);
      return found.success ? [inOrder(found.data.dtype.class_label.names)] : [];
    }),
  );
  const [names] = lists;
  return lists.some((other) => other?.join('\n') !== names?.join('\n')) ? undefined : names;
}

/** @returns undefined unless every number from 0 has a name */
function inOrder(names: Readonly<Record<string, string>>): readonly string[] | undefined {
  const count = Object.keys(names).length;
  const ordered = Array.from({ length: count }, (_, i) => names[String(i)]);
  return ordered.every((name) => name !== undefined) ? ordered : undefined;
}
