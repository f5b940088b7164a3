import { sizeOf } from './hostTensor';

/** More than the largest vision transformer has (ViT-22B, arXiv 2302.05442), by far. */
const MOST_PARAMETERS = 1e11;
const FLOAT_BYTES = 4;
/** Bytes of which the system is not asked, which takes time. */
const SURELY_THERE = 2 ** 28;

/** Numbers in tensors of these shapes. */
const countNumbers = (shapes: Readonly<Record<string, readonly number[]>>): number =>
  Object.values(shapes).reduce((sum, shape) => sum + sizeOf(shape), 0);

/**
 * A configuration with a wrong digit is told before anything of it is made.
 *
 * @param what for people, at the beginning of a sentence: `The transformer`
 * @param shapes of its parameters
 * @throws RangeError where there are more than 1e11 numbers in them
 */
export function assertParameterCount(
  what: string,
  shapes: Readonly<Record<string, readonly number[]>>,
): void {
  const count = countNumbers(shapes);
  if (count <= MOST_PARAMETERS) return;
  throw new RangeError(
    `${what} would have ${count.toPrecision(3)} parameters; expected at most ${MOST_PARAMETERS.toPrecision(1)}. Look at its sizes.`,
  );
}

/**
 * Numbers that cannot be held are told before the first is made: the system would end the process without a word.
 *
 * @param what for people, at the beginning of a sentence
 * @param shapes of float32 tensors
 * @param memory bytes; default: of this machine or container, and in a browser, which does not tell, no bound
 * @throws RangeError where they take more than all of it
 */
export function assertMemory(
  what: string,
  shapes: Readonly<Record<string, readonly number[]>>,
  memory?: number,
): void {
  const bytes = FLOAT_BYTES * countNumbers(shapes);
  if (memory === undefined && bytes <= SURELY_THERE) return;
  const most = memory ?? machineMemory();
  if (most === undefined || bytes <= most) return;
  const gigabytes = (size: number) => `${(size / 1e9).toPrecision(3)} GB`;
  throw new RangeError(
    `${what} takes ${gigabytes(bytes)} of memory for its parameters alone, and this machine has ${gigabytes(most)}. ` +
      'Look at its sizes, or take a larger machine.',
  );
}

/** What this process may have, in Node: of the machine, or of the container that it is in. */
function machineMemory(): number | undefined {
  const node = globalThis.process;
  const total = node?.getBuiltinModule?.('node:os').totalmem();
  // Where nothing constrains it, that is 0, or more than there is.
  const constrained = node?.constrainedMemory?.() || Number.POSITIVE_INFINITY;
  return total === undefined ? undefined : Math.min(total, constrained);
}
