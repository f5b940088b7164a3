import { isJsonObject, type JsonObject } from './readJson';

/** The classes of pixels. */
export interface Labels {
  readonly classes: readonly string[];
  /** Red, green and blue, 0 to 255, one for each class. */
  readonly palette?: readonly (readonly [number, number, number])[];
}

/**
 * The classes and colours in the `meta` of a checkpoint of mmsegmentation: `CLASSES` and `PALETTE` of versions before 1,
 * `dataset_meta` since.
 *
 * @throws Error when they are no names, or the colours are not as many
 */
export function labelsOf(meta: JsonObject): Labels | undefined {
  const { dataset_meta: later } = meta;
  const { classes, palette } = isJsonObject(later) ? later : { classes: meta.CLASSES, palette: meta.PALETTE };
  if ((classes ?? null) === null) return undefined;
  if (!Array.isArray(classes) || !classes.every((name) => typeof name === 'string'))
    throw new Error(`its classes are ${JSON.stringify(classes)?.slice(0, 100)}; expected a list of names.`);
  // Names of ADE20K have spaces at their end in some versions.
  const names = classes.map((name: string) => name.trim().replace(/\s+/g, ' '));
  if (!isPalette(palette)) return { classes: names };
  if (palette.length !== classes.length)
    throw new Error(`it has ${palette.length} colours for ${classes.length} classes; expected as many.`);
  return { classes: names, palette };
}

const isPalette = (value: unknown): value is NonNullable<Labels['palette']> =>
  Array.isArray(value) && value.length > 0 && value.every(isColor);

const isColor = (value: unknown) =>
  Array.isArray(value) &&
  value.length === 3 &&
  value.every((part) => Number.isInteger(part) && part >= 0 && part <= 255);
