import { join } from 'node:path';
import { type AnnotationOptions, classOfNumber, describeNumbers } from './labelNumbers';
import { readMask } from './readMask';
import type { SegmentationSource } from './segmentationFolder';

/** Classes of the pixels of an image. */
export interface Annotation {
  readonly width: number;
  readonly height: number;
  /** `[height, width]`: a class, or 255. */
  readonly labels: Uint8Array;
}

/**
 * An annotation: a mask, see `readMask`, whose numbers are classes as the options say.
 *
 * @throws what `readMask` throws, and Error that names the first number that is no class
 */
export async function readAnnotation(path: string, options: AnnotationOptions): Promise<Annotation> {
  const { width, height, numbers } = await readMask(path);
  const classOf = classOfNumber(options);
  const labels = new Uint8Array(numbers.length);
  for (let i = 0; i < labels.length; i++) {
    const label = classOf(numbers[i]!);
    if (label === undefined) {
      const [x, y] = [i % width, Math.floor(i / width)];
      throw new Error(
        `the pixel in column ${x}, row ${y} is ${numbers[i]}; expected ${describeNumbers(options)}`,
      );
    }
    labels[i] = label;
  }
  return { width, height, labels };
}

/** The annotation of an image of a source. @throws as `readAnnotation`, with the mask's name */
export async function annotationAt(
  { directory, annotations }: Pick<SegmentationSource, 'directory' | 'annotations'>,
  index: number,
  options: AnnotationOptions,
): Promise<Annotation> {
  const mask = annotations[index]!;
  return readAnnotation(join(directory, mask), options).catch((cause: Error) => {
    throw new Error(`its mask '${mask}': ${cause.message}`, { cause });
  });
}
