export interface MaskStatistics {
  readonly samples: number;
  /** How many masks have how many masked patches. */
  readonly countHistogram: ReadonlyMap<number, number>;
  /** Share of masks in which a patch is masked, `[patches]`, row-major. */
  readonly cellProbability: Float64Array;
  /** Mean over masks of the share of horizontal neighbours that are both masked or both visible. */
  readonly neighbourAgreement: number;
  /** Standard deviation of that share from mask to mask. */
  readonly neighbourDeviation: number;
}

/** What fixtures/masking-statistics.json says about the reference's masks, of ours. */
export function measureMasks(generate: () => Uint8Array, columns: number, samples: number): MaskStatistics {
  const cellCounts = new Float64Array(generate().length);
  const countHistogram = new Map<number, number>();
  let agreementSum = 0;
  let agreementSquares = 0;
  for (let sample = 0; sample < samples; sample++) {
    const mask = generate();
    let count = 0;
    let agreeing = 0;
    for (let cell = 0; cell < mask.length; cell++) {
      count += mask[cell]!;
      cellCounts[cell]! += mask[cell]!;
      if (cell % columns !== 0 && mask[cell] === mask[cell - 1]) agreeing++;
    }
    countHistogram.set(count, (countHistogram.get(count) ?? 0) + 1);
    const share = agreeing / (mask.length - mask.length / columns);
    agreementSum += share;
    agreementSquares += share * share;
  }
  const neighbourAgreement = agreementSum / samples;
  return {
    samples,
    countHistogram,
    cellProbability: cellCounts.map((count) => count / samples),
    neighbourAgreement,
    neighbourDeviation: Math.sqrt(agreementSquares / samples - neighbourAgreement ** 2),
  };
}
