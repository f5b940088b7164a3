import { dirname, join } from 'node:path';
import { assertNoInput, namedImages, UsageError, writeWhole } from '@beit/cli';
import { type LabelNumbers, numberOfClass, readScaled } from '@beit/data';
import { type Color, colorClasses, overlayClasses } from '@beit/segmentation';
import { makeFolder } from '@beit/tensors';
import sharp from 'sharp';
import { SCALES } from './evaluation';
import { createModel } from './model';
import type { Options } from './options';
import { OUTPUTS, outputNames } from './outputNames';
import { loadSegmenter } from './segmenterFile';
import { openWhole, openWindows } from './windowModel';

export interface Prediction {
  readonly file: string;
  /** The mask. */
  readonly written: string;
  /** Share of the pixels, largest first; those that occur. */
  readonly classes: readonly { readonly name: string; readonly share: number }[];
}

export type PredictOptions = Pick<
  Options,
  'files' | 'heads' | 'labels' | 'multiScale' | 'whole' | 'engine'
> & {
  readonly model: string;
  readonly out: string;
};

/**
 * The classes of the pixels of some images, one after the other: `NAME.png` with the numbers of the masks that the model was
 * trained on, `NAME-classes.png` in colors, `NAME-overlay.jpg`. Images of one name have files of their own.
 *
 * @throws UsageError before anything is written, where an image would be written over
 * @throws for the first image that cannot be read
 */
export async function* predict(
  { model, heads, files, out, labels: asked, multiScale, whole, engine }: PredictOptions,
  say: (line: string) => void = () => {},
): AsyncGenerator<Prediction> {
  const trained = await loadSegmenter(model, { heads });
  for (const note of trained.notes) say(note);
  const { classes: names, palette, views } = trained;
  const labels = asked ?? trained.annotation.labels;
  if (labels === 'binary' && names.length !== 2)
    throw new UsageError(`--labels is 'binary', for two classes; the model knows ${names.length}.`);
  const images = await namedImages(files);
  const paths = outputNames(images.map(({ name }) => name)).map((name) => join(out, name));
  await assertNoInput(
    paths.flatMap((path) => OUTPUTS.map((ending) => path + ending)),
    images.map(({ path }) => path),
  );
  const { segmenter } = createModel(trained, names.length);
  const options = { segmenter, model: trained.model, params: trained.params, engine };
  const compiled = whole
    ? await openWhole(options)
    : await openWindows({ ...options, stride: views.stride, flip: multiScale });
  const ratios = multiScale ? SCALES : [1];
  const framing = whole ? trained.wholeFraming : undefined;
  try {
    for (const [i, { path: file }] of images.entries()) {
      const {
        images: scaled,
        pixels,
        ...size
      } = await readScaled(file, { ...views, ratios, framing }).catch((cause: Error) => {
        throw new Error(`Cannot read ${file}: ${cause.message}`, { cause });
      });
      const classes = await compiled.segment(scaled, size);
      const path = paths[i]!;
      await writePictures(path, { classes, pixels, ...size }, { palette, labels });
      yield { file, written: path + OUTPUTS[0], classes: sharesOf(classes, names) };
    }
  } finally {
    await compiled.dispose();
  }
}

interface Segmented {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  readonly classes: Uint8Array;
}

async function writePictures(
  path: string,
  { width, height, pixels, classes }: Segmented,
  { palette, labels }: { readonly palette: readonly Color[]; readonly labels: LabelNumbers },
): Promise<void> {
  await makeFolder(dirname(path));
  const gray = { raw: { width, height, channels: 1 } } as const;
  const rgb = { raw: { width, height, channels: 3 } } as const;
  const numbers = classes.map((label) => numberOfClass(label, labels));
  const pictures = [
    sharp(numbers, gray).toColourspace('b-w').png(),
    sharp(colorClasses(classes, palette), rgb).png(),
    sharp(overlayClasses(pixels, classes, palette), rgb).jpeg({ quality: 92 }),
  ];
  for (const [i, ending] of OUTPUTS.entries()) await writeWhole(path + ending, await pictures[i]!.toBuffer());
}

function sharesOf(classes: Uint8Array, names: readonly string[]): Prediction['classes'] {
  const counts = new Float64Array(names.length);
  for (const label of classes) counts[label]!++;
  return names
    .map((name, label) => ({ name, share: counts[label]! / classes.length }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share);
}
