/**
 * The fewest patches that hold a share of a map's mass, as in DINO's figures (Caron et al., arXiv 2104.14294); of equal
 * ones the first.
 *
 * @param map numbers of at least 0
 * @param share of the mass, [0, 1]; default 0.6
 * @returns 1 for what is kept
 * @throws RangeError when `share` is no share, or a number is negative
 */
export function keepMass(map: ArrayLike<number>, share = 0.6): Uint8Array {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`share is ${share}; expected a number from 0 to 1.`);
  const values = Array.from(map);
  const wrong = values.find((value) => !(value >= 0));
  if (wrong !== undefined) throw new RangeError(`The map has ${wrong}; expected numbers of at least 0.`);
  const wanted = share * values.reduce((a, b) => a + b, 0);
  const kept = new Uint8Array(values.length);
  let mass = 0;
  for (const { value, index } of values
    .map((value, index) => ({ value, index }))
    .sort((a, b) => b.value - a.value || a.index - b.index)) {
    if (mass >= wanted) break;
    mass += value;
    kept[index] = 1;
  }
  return kept;
}
