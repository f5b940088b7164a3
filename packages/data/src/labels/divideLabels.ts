/** What stands between the labels of one picture; undefined: there is one label. */
export type LabelDivider = string | undefined;

/**
 * What divides the labels in a column. Bars and semicolons always do; commas and spaces are in names too, so that they divide
 * numbers, and in a column whose name is in the plural: commas where there are any, spaces where words come in more
 * combinations than there are words, or alone as well ("haze primary", "primary").
 *
 * @param values of the whole column
 */
export function findDivider(values: readonly string[], isPlural: boolean): LabelDivider {
  const distinct = [...new Set(values)].filter((value) => value !== '');
  const has = (divider: string) => distinct.some((value) => value.includes(divider));
  for (const divider of ['|', ';']) if (has(divider)) return divider;
  const areNumbers = distinct.every((value) => /^\d+(\.0+)?([ ,]+\d+)*$/.test(value));
  if (!isPlural && !areNumbers) return undefined;
  if (has(',')) return ',';
  if (!has(' ') || areNumbers) return has(' ') ? ' ' : undefined;
  const several = distinct.map((value) => divideLabels(value, ' ')).filter(({ length }) => length > 1);
  const words = new Set(distinct.flatMap((value) => divideLabels(value, ' ')));
  const inSeveral = new Set(several.flat());
  return distinct.length > words.size || distinct.some((value) => inSeveral.has(value)) ? ' ' : undefined;
}

/** The labels in a value, without white space around them; each once. */
export const divideLabels = (value: string, divider: LabelDivider): string[] => [
  ...new Set(
    (divider === undefined ? [value] : value.split(divider))
      .map((label) => label.trim())
      .filter((label) => label !== ''),
  ),
];
