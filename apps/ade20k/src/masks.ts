/** `masks`: what is in all masks of a folder, and another folder in which colors, or other numbers, are classes. */

import { existsSync } from 'node:fs';
import { realpath, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeWhole, passProgress, UsageError } from '@beit/cli';
import {
  ColorMaskError,
  readMask,
  readMaskColors,
  SEGMENTATION_PARTS,
  type SegmentationFolder,
  type SegmentationPart,
  type SegmentationSource,
  segmentationFolder,
  type Unreadable,
} from '@beit/data';
import { makeFolder } from '@beit/tensors';
import type { ProgressReporter } from '@beit/trainer';
import sharp from 'sharp';
import { hexOf, type Palette } from './palette';

/** More colors than so are no classes: masks were resized with smoothing, or compressed with losses. */
const MOST_COLORS = 254;
const NONE = 255;

/** How many of each part. */
type MaskCounts = Readonly<Record<SegmentationPart, number>>;
const NO_MASKS: MaskCounts = { training: 0, validation: 0, test: 0 };

/** One color or number of the masks. */
export interface FoundValue {
  /** As a palette has it: `#rrggbb`, or a number. */
  readonly key: string;
  readonly pixels: number;
  /** In how many masks of each part. */
  readonly masks: MaskCounts;
}

export interface FoundMasks {
  /** Names of the classes, where the folder has them. */
  readonly classes?: readonly string[];
  /** Numbers first, from the smallest; then colors, the most frequent first. */
  readonly values: readonly FoundValue[];
  readonly pixels: number;
  readonly masks: MaskCounts;
  readonly unreadable: readonly Unreadable[];
}

/** Looks at every mask of a folder in the layout of ADE20K. @throws UsageError for more colors than there may be classes */
export async function listMasks(
  directory: string,
  progress: Pick<ProgressReporter, 'update'>,
): Promise<FoundMasks> {
  const folder = await segmentationFolder(directory);
  const found = new Map<string, { pixels: number; masks: Record<SegmentationPart, number> }>();
  const unreadable: Unreadable[] = [];
  const all = { ...NO_MASKS };
  let pixels = 0;
  for (const { part, source } of partsOf(folder)) {
    all[part] = source.annotations.length;
    for await (const { mask, path } of masksOf(source, part, progress)) {
      const keys = await countsOf(path).catch((error: Error) => {
        unreadable.push({ name: `${part}/${mask}`, reason: error.message });
      });
      for (const [key, count] of keys ?? []) {
        const known = found.get(key) ?? { pixels: 0, masks: { ...NO_MASKS } };
        known.pixels += count;
        known.masks[part] += 1;
        pixels += count;
        found.set(key, known);
      }
      if (found.size > 256 + MOST_COLORS)
        throw new UsageError(
          `The masks have ${found.size} colors up to '${part}/${mask}', more than ${MOST_COLORS} classes: were they resized ` +
            'with smoothing, or saved as JPEG in between? Make them anew, without.',
        );
    }
  }
  const isColor = (key: string) => key.startsWith('#');
  const values = [...found]
    .map(([key, own]) => ({ key, ...own }))
    .sort((a, b) => {
      if (isColor(a.key) !== isColor(b.key)) return isColor(a.key) ? 1 : -1;
      return isColor(a.key) ? b.pixels - a.pixels : Number(a.key) - Number(b.key);
    });
  return { ...(folder.classes && { classes: folder.classes }), values, pixels, masks: all, unreadable };
}

const partsOf = (folder: SegmentationFolder) =>
  SEGMENTATION_PARTS.flatMap((part) => {
    const source = folder[part];
    return source ? [{ part, source }] : [];
  });

async function countsOf(path: string): Promise<Map<string, number>> {
  const counted = (values: Iterable<number>, keyOf: (value: number) => string) => {
    const counts = new Map<number, number>();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    return new Map([...counts].map(([value, count]) => [keyOf(value), count]));
  };
  try {
    return counted((await readMask(path)).numbers, String);
  } catch (error) {
    if (!(error instanceof ColorMaskError)) throw error;
    return counted((await readMaskColors(path)).colors, hexOf);
  }
}

/** A palette to fill in. */
export const paletteToFill = ({ values }: FoundMasks): string => {
  const colors = values.filter(({ key }) => key.startsWith('#'));
  const own = colors.length > 0 ? colors : values;
  return JSON.stringify(Object.fromEntries(own.map(({ key }, i) => [key, `class ${i + 1}`])), null, 2);
};

/**
 * Writes a folder in the layout of ADE20K whose masks have the classes of `palette`, from 0, with 255 for none, and links to
 * the images. It is there whole or not at all.
 *
 * @throws UsageError when `out` is there already; Error that names the first pixel whose color the palette does not have
 */
export async function convertMasks(
  {
    directory,
    palette,
    out,
  }: { readonly directory: string; readonly palette: Palette; readonly out: string },
  progress: Pick<ProgressReporter, 'update'>,
): Promise<void> {
  if (existsSync(out)) throw new UsageError(`${out} is there already. Give another --out.`);
  const folder = await segmentationFolder(directory);
  await makeWhole(out, async (partial) => {
    for (const { part, source } of partsOf(folder)) {
      for await (const { mask, path } of masksOf(source, part, progress)) {
        const to = join(partial, 'annotations', part, mask.replace(/\.[^.]+$/, '.png'));
        await makeFolder(dirname(to));
        const { width, height, labels } = await converted(path, palette).catch((cause: Error) => {
          throw new Error(`'${part}/${mask}': ${cause.message}`, { cause });
        });
        const raw = { width, height, channels: 1 } as const;
        await writeFile(to, await sharp(labels, { raw }).toColourspace('b-w').png().toBuffer());
      }
      const images = join(partial, 'images', part);
      await makeFolder(dirname(images));
      // Junctions are what Windows links folders by without special rights; elsewhere it is a link like any other.
      await symlink(await realpath(source.images.directory), images, 'junction');
    }
    await writeFile(join(partial, 'classes.json'), `${JSON.stringify(palette.classes, null, 2)}\n`);
  });
}

async function converted(path: string, { kind, entries }: Palette) {
  const { width, height, values } = await valuesOf(path, kind);
  const labels = new Uint8Array(values.length);
  for (let i = 0; i < labels.length; i++) {
    const value = values[i]!;
    if (!entries.has(value)) {
      const shown = kind === 'colors' ? hexOf(value) : `${value}`;
      throw new Error(
        `the pixel in column ${i % width}, row ${Math.floor(i / width)} is ${shown}, which the palette does not have`,
      );
    }
    labels[i] = entries.get(value) ?? NONE;
  }
  return { width, height, labels };
}

async function valuesOf(path: string, kind: Palette['kind']) {
  if (kind === 'numbers') {
    const { numbers, ...size } = await readMask(path);
    return { ...size, values: numbers };
  }
  const { colors, ...size } = await readMaskColors(path);
  return { ...size, values: colors };
}

async function* masksOf(
  { directory, annotations }: SegmentationSource,
  part: string,
  { update }: Pick<ProgressReporter, 'update'>,
): AsyncGenerator<{ readonly mask: string; readonly path: string }> {
  const onMask = passProgress(part, update, 'masks');
  for (const [i, mask] of annotations.entries()) {
    yield { mask, path: join(directory, mask) };
    onMask(i + 1, annotations.length);
  }
}
