export interface Shortlist {
  /** The largest number's first. */
  readonly indices: Int32Array;
  readonly similarities: Float64Array;
  /** What a number must exceed to be inserted: -Infinity as long as there is room. */
  least(): number;
  insert(index: number, similarity: number): void;
}

/** The `count` largest of the numbers that come by, the largest first; of equal ones the first to come. */
export function createShortlist(count: number): Shortlist {
  const indices = new Int32Array(count);
  const similarities = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  return {
    indices,
    similarities,
    least: () => similarities[count - 1]!,
    insert(index, similarity) {
      let place = count - 1;
      for (; place > 0 && similarities[place - 1]! < similarity; place--) {
        similarities[place] = similarities[place - 1]!;
        indices[place] = indices[place - 1]!;
      }
      similarities[place] = similarity;
      indices[place] = index;
    },
  };
}
