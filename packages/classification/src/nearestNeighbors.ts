import { assertHostTensor, type HostTensor } from '@beit/tensors';
import { createShortlist, type Shortlist } from './createShortlist';
import { COLUMNS, multiplyPacked, packRows, ROWS } from './multiplyPacked';

export interface NeighborOptions {
  /** How many; all that there are where there are fewer. Default 20, which DINO's code recommends. */
  readonly k?: number;
  /** Query i is training image i, which is then no neighbour of itself. Default false. */
  readonly leaveOneOut?: boolean;
}

/** Nearest first; equally near ones in the order of the training images. */
export interface Neighbors {
  /** Indices of training images, int32 `[queries, k]`. */
  readonly indices: HostTensor;
  /** Cosines, float32 `[queries, k]`, in [-1, 1]. */
  readonly similarities: HostTensor;
}

/** Queries that are compared in one pass over the training images; with 768 features 400 kB, which caches hold. */
const BLOCK = 64;

/**
 * The training images whose features have the largest cosine with each query's. A row of zeros has cosine 0 with all.
 * Exact, and summed in float64, so that equal rows tie whatever is beside them. Beyond its arguments and its result it
 * takes 8 bytes per image and some hundred kB, never the matrix of all similarities. The time is that of
 * n * m * d multiplications on one core; queries can be shared out among workers.
 *
 * @param train float32 `[n, d]`
 * @param queries float32 `[m, d]`
 * @throws RangeError when shapes do not fit, there is nothing to choose from, or a feature is not finite
 */
export function nearestNeighbors(
  train: HostTensor,
  queries: HostTensor,
  { k = 20, leaveOneOut = false }: NeighborOptions = {},
): Neighbors {
  assertFeatures('train', train);
  assertFeatures('queries', queries);
  const [n, d] = train.shape as readonly [number, number];
  const [m, width] = queries.shape as readonly [number, number];
  if (width !== d) {
    throw new RangeError(
      `The queries are [${m}, ${width}]; expected [${m}, ${d}], as wide as the training features.`,
    );
  }
  if (leaveOneOut && m !== n) {
    throw new RangeError(
      `leaveOneOut has ${m} queries and ${n} training images; expected the same images twice.`,
    );
  }
  if (!Number.isSafeInteger(k) || k < 1) throw new RangeError(`k is ${k}; expected a positive integer.`);
  const others = leaveOneOut ? n - 1 : n;
  if (others < 1) {
    throw new RangeError(
      `There are ${n} training images; expected at least ${leaveOneOut ? 2 : 1}, so that there are neighbours.`,
    );
  }

  const count = Math.min(k, others);
  const indices = new Int32Array(m * count);
  const similarities = new Float32Array(m * count);
  const scales = inverseNorms('train', train);
  const queryScales = inverseNorms('queries', queries);
  const panel = new Float64Array(COLUMNS * d);
  const block = new Float64Array(BLOCK * d);
  const products = new Float64Array(BLOCK * COLUMNS);

  /**
   * Compares the block's queries, `from` and on, with a few training images. V8 compiles a function of
   * its own better than the inside of a long loop.
   */
  function scanPanel(first: number, from: number, shortlists: readonly Shortlist[]): void {
    packRows(train, scales, first, COLUMNS, panel, 0);
    multiplyPacked(block, panel, products, shortlists.length, d);
    const columns = Math.min(COLUMNS, n - first);
    for (let i = 0; i < shortlists.length; i++) {
      const own = leaveOneOut ? from + i - first : -1;
      const { least, insert } = shortlists[i]!;
      for (let j = 0; j < columns; j++) {
        const similarity = products[i * COLUMNS + j]!;
        if (similarity > least() && j !== own) insert(first + j, similarity);
      }
    }
  }

  for (let from = 0; from < m; from += BLOCK) {
    const shortlists = Array.from({ length: Math.min(BLOCK, m - from) }, () => createShortlist(count));
    for (let i = 0; i < BLOCK; i += ROWS) packRows(queries, queryScales, from + i, ROWS, block, i * d);
    for (let first = 0; first < n; first += COLUMNS) scanPanel(first, from, shortlists);
    shortlists.forEach((list, i) => {
      indices.set(list.indices, (from + i) * count);
      similarities.set(list.similarities, (from + i) * count);
    });
  }
  const shape = [m, count];
  return {
    indices: { dtype: 'int32', shape, data: indices },
    similarities: { dtype: 'float32', shape, data: similarities },
  };
}

function assertFeatures(name: string, tensor: HostTensor): void {
  assertHostTensor(name, tensor);
  if (tensor.dtype !== 'float32' || tensor.shape.length !== 2) {
    throw new RangeError(
      `Tensor "${name}" is ${tensor.dtype} [${tensor.shape}]; expected float32 [images, features].`,
    );
  }
}

/** 1 / length of every row, as torch.nn.functional.normalize bounds it. */
function inverseNorms(name: string, { data, shape }: HostTensor): Float64Array {
  const [rows, d] = shape as readonly [number, number];
  const inverse = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * d, (i + 1) * d);
    let squares = 0;
    for (let j = 0; j < d; j++) squares += row[j]! * row[j]!;
    if (!Number.isFinite(squares)) {
      throw new RangeError(`Row ${i} of "${name}" holds a number that is not finite; expected features.`);
    }
    inverse[i] = 1 / Math.max(Math.sqrt(squares), 1e-12);
  }
  return inverse;
}
