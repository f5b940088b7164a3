/**
 * The area under the ROC curve: how probable it is that something of the class has a higher score than something that is
 * not of it, ties counted by half. 0.5 says nothing, 1 tells them apart.
 *
 * @param isPositive 1, or true, for what is of the class
 * @returns NaN when one of the two is missing
 * @throws RangeError when there are not as many scores as labels
 */
export function rocAuc(scores: ArrayLike<number>, isPositive: ArrayLike<number | boolean>): number {
  if (scores.length !== isPositive.length)
    throw new RangeError(`There are ${scores.length} scores and ${isPositive.length} labels.`);
  const order = Array.from(scores, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  // The sum of the positives' ranks (Mann and Whitney); equal scores share the mean of theirs.
  let [rankSum, positives] = [0, 0];
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) to++;
    const rank = (from + 1 + to) / 2;
    for (const index of order.slice(from, to)) {
      if (!isPositive[index]) continue;
      rankSum += rank;
      positives += 1;
    }
    from = to;
  }
  const negatives = order.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
