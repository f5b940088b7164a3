import { createRandom, type Random } from '@beit/random';
import { ShardError } from '../shards/shardError';
import type { Names } from '../sources/names';

export interface Unreadable {
  readonly name: string;
  readonly reason: string;
}

/** What some images turned out to be. */
export interface ReadImages {
  readonly indices: number[];
  readonly names: string[];
  readonly unreadable: Unreadable[];
}

/** Draws the image to take instead of the one with this index. */
export type ReplacementFor = (random: Random, index: number) => number;

/** So many unreadable images in a row are no accident. */
const MOST_REPLACEMENTS = 20;

/**
 * Prepares the images one after the other. An unreadable one is replaced by another, the same one whenever this sample is
 * asked for.
 *
 * @param indices of images; one of `index + k * images` is the image's k-th repetition
 * @param replacementFor draws the index of another image; by default any
 * @param prepare makes the sample `wanted` of the image `index`, the `i`-th of these; throws when it is unreadable
 * @throws ShardError that `prepare` throws; Error that names the image where the program itself failed, which is no fault of a
 *   picture
 * @throws when too many in a row are unreadable, with the reason of the first
 */
export async function eachReadable(
  allNames: Names,
  { seed, epoch }: { readonly seed: number; readonly epoch: number },
  wantedIndices: readonly number[],
  prepare: (index: number, wanted: number, i: number) => Promise<void>,
  replacementFor: ReplacementFor = (random) => random.integer(0, allNames.length - 1),
): Promise<ReadImages> {
  const read: ReadImages = { indices: [], names: [], unreadable: [] };
  const prepareOne = async (wanted: number, i: number): Promise<void> => {
    const replacements = createRandom(seed, epoch, wanted, 'replacement');
    let index = wanted % allNames.length;
    const inARow: Unreadable[] = [];
    for (let attempt = 0; attempt <= MOST_REPLACEMENTS; attempt++) {
      try {
        await prepare(index, wanted, i);
        read.indices.push(index);
        read.names.push(allNames.at(index)!);
        return;
      } catch (error) {
        if (error instanceof ShardError) throw error;
        if (isOfProgram(error))
          throw new Error(
            `'${allNames.at(index)}' was not prepared: the program failed, whatever the picture is: ${error.message}. Please report it.`,
            { cause: error },
          );
        inARow.push({
          name: allNames.at(index)!,
          reason: error instanceof Error ? error.message : String(error),
        });
        read.unreadable.push(inARow.at(-1)!);
        index = replacementFor(replacements, index);
      }
    }
    const [first] = inARow;
    throw new Error(
      `${MOST_REPLACEMENTS + 1} images in a row could not be read; the first was '${first!.name}': ${first!.reason}`,
    );
  };
  for (const [i, wanted] of wantedIndices.entries()) await prepareOne(wanted, i);
  return read;
}

/** No decoder throws these for what is in a file. They may come from another realm. */
const isOfProgram = (error: unknown): error is Error =>
  ['TypeError', 'ReferenceError'].includes((error as Error | undefined)?.name ?? '');
