/** The classes of each of some images: indices, in rising order, of none empty. */
export type LabelSets = readonly (readonly number[])[];

/** Of each image the one of its labels that the fewest images have; -1 where it has none. */
export function rarestLabels(labels: LabelSets): number[] {
  const counts: number[] = [];
  for (const own of labels) for (const label of own) counts[label] = (counts[label] ?? 0) + 1;
  return labels.map((own) =>
    own.reduce((rarest, label) => (counts[label]! < counts[rarest]! ? label : rarest), own[0] ?? -1),
  );
}
