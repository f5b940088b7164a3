import { join } from 'node:path';
import type { Unreadable } from '../loading/eachReadable';
import { ColorMaskError, readMask } from './readMask';
import type { SegmentationSource } from './segmentationFolder';

/** How often a number is in masks. */
export interface NumberCount {
  readonly pixels: number;
  /** The first mask that has it. */
  readonly mask: string;
}

/** What is in some of the masks of a source. */
export interface MaskSurvey {
  /** How many there are. */
  readonly masks: number;
  /** How many were looked at, the unreadable ones among them. */
  readonly seen: number;
  /** By number, from the smallest. */
  readonly numbers: ReadonlyMap<number, NumberCount>;
  readonly unreadable: readonly Unreadable[];
  /** Those of the unreadable ones that are pictures in colors. */
  readonly colored: readonly string[];
}

const AT_ONCE = 8;
const DEFAULT_SAMPLE = 200;

/**
 * Counts the numbers of masks.
 *
 * @param options.sample so many masks at most, evenly spread. Default 200
 * @param options.onMask called after some masks, with the number of masks done and of all that are looked at
 */
export async function surveyMasks(
  { directory, annotations }: Pick<SegmentationSource, 'directory' | 'annotations'>,
  {
    sample = DEFAULT_SAMPLE,
    onMask = () => {},
  }: { readonly sample?: number; readonly onMask?: (done: number, total: number) => void } = {},
): Promise<MaskSurvey> {
  const seen = Math.min(sample, annotations.length);
  const chosen = Array.from(
    { length: seen },
    (_, i) => annotations[Math.floor((i * annotations.length) / seen)]!,
  );
  const numbers = new Map<number, NumberCount>();
  const unreadable: Unreadable[] = [];
  const colored: string[] = [];
  for (let from = 0; from < seen; from += AT_ONCE) {
    const group = chosen.slice(from, from + AT_ONCE);
    const read = await Promise.all(
      group.map((mask) => readMask(join(directory, mask)).catch((error: Error) => error)),
    );
    read.forEach((result, i) => {
      const mask = group[i]!;
      if (result instanceof Error) {
        unreadable.push({ name: mask, reason: result.message });
        if (result instanceof ColorMaskError) colored.push(mask);
      } else
        for (const [number, pixels] of countNumbers(result.numbers)) {
          const known = numbers.get(number);
          numbers.set(number, { pixels: pixels + (known?.pixels ?? 0), mask: known?.mask ?? mask });
        }
    });
    onMask(from + group.length, seen);
  }
  const sorted = new Map([...numbers].sort(([a], [b]) => a - b));
  return { masks: annotations.length, seen, numbers: sorted, unreadable, colored };
}

function countNumbers(numbers: Uint8Array | Uint16Array): [number: number, pixels: number][] {
  const counts = new Uint32Array(2 ** (8 * numbers.BYTES_PER_ELEMENT));
  for (const number of numbers) counts[number]!++;
  return [...counts.entries()].filter(([, count]) => count > 0);
}
