import type { HostTensor } from '@beit/tensors';
import { assertLabels } from './assertLabels';
import { type NeighborOptions, type Neighbors, nearestNeighbors } from './nearestNeighbors';

const DINO_TEMPERATURE = 0.07;

export interface VoteOptions {
  readonly numClasses: number;
  /** Only the nearest `k` vote. Default: all that were found. */
  readonly k?: number;
  /** A neighbour of cosine s has exp(s / temperature) votes. Default 0.07, DINO's. */
  readonly temperature?: number;
}

/**
 * Each class's share of the neighbours' votes, float32 `[queries, numClasses]`; rows sum to 1. The shares rank classes
 * as DINO's sums of exp(s / temperature) do, of which they are multiples.
 * Where classes have equal shares, `classificationMetrics` takes the first; classes without a vote have 0, and fill up
 * the five best of fewer than five neighbours in the same way.
 *
 * @param neighbors of `nearestNeighbors`; several `k` can be tried on one search
 * @param labels of the training images, `[n]`
 * @throws RangeError for a label that is no class, an index without a label, or a `k` that was not searched for
 */
export function neighborVotes(
  { indices, similarities }: Neighbors,
  labels: ArrayLike<number>,
  { numClasses, k, temperature = DINO_TEMPERATURE }: VoteOptions,
): HostTensor {
  const [queries, found] = indices.shape as readonly [number, number];
  const voters = k ?? found;
  if (!Number.isSafeInteger(voters) || voters < 1 || voters > found) {
    throw new RangeError(
      `k is ${k}; expected an integer from 1 to ${found}, the neighbours that were searched for.`,
    );
  }
  assertVotes(labels, numClasses, temperature);
  const votes = new Float64Array(numClasses);
  const data = new Float32Array(queries * numClasses);
  for (let i = 0; i < queries; i++) {
    votes.fill(0);
    let total = 0;
    const nearest = similarities.data[i * found]!;
    for (let j = i * found; j < i * found + voters; j++) {
      const label = labels[indices.data[j]!];
      if (label === undefined) {
        throw new RangeError(
          `A neighbour is image ${indices.data[j]}, but there are ${labels.length} labels.`,
        );
      }
      // Against the nearest one's, since exp(1 / temperature) can be beyond all numbers.
      const weight = Math.exp((similarities.data[j]! - nearest) / temperature);
      votes[label]! += weight;
      total += weight;
    }
    for (let c = 0; c < numClasses; c++) data[i * numClasses + c] = votes[c]! / total;
  }
  return { dtype: 'float32', shape: [queries, numClasses], data };
}

function assertVotes(labels: ArrayLike<number>, numClasses: number, temperature: number): void {
  if (!(temperature > 0)) throw new RangeError(`temperature is ${temperature}; expected a positive number.`);
  if (!Number.isSafeInteger(numClasses) || numClasses < 1) {
    throw new RangeError(`numClasses is ${numClasses}; expected a positive integer.`);
  }
  assertLabels(labels, numClasses);
}

export interface KnnOptions extends NeighborOptions {
  readonly numClasses: number;
  /** See `VoteOptions`. */
  readonly temperature?: number;
}

/**
 * Weighted k-nearest-neighbour classification on frozen features, as scores for `classificationMetrics`.
 * Papers: DINO, arXiv 2104.14294; the weights are those of Wu et al., arXiv 1805.01978.
 * Reference: facebookresearch/dino eval_knn.py @04c0ad9: features of centre crops, k of 10, 20, 100 and 200.
 *
 * @param train float32 `[n, d]`, of any length
 * @param labels class indices, `[n]`
 * @param queries float32 `[m, d]`; with `leaveOneOut` the training features again
 * @returns float32 `[m, numClasses]`; see `neighborVotes`
 * @throws RangeError when shapes do not fit or a label is no class
 */
export function knn(
  train: HostTensor,
  labels: ArrayLike<number>,
  queries: HostTensor,
  { numClasses, temperature = DINO_TEMPERATURE, ...options }: KnnOptions,
): HostTensor {
  if (labels.length !== train.shape[0]) {
    throw new RangeError(`There are ${labels.length} labels; expected one for each row of [${train.shape}].`);
  }
  assertVotes(labels, numClasses, temperature); // before the search, which can take hours
  return neighborVotes(nearestNeighbors(train, queries, options), labels, { numClasses, temperature });
}
