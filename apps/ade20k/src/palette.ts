/** Which color, or number, of a mask is which class, as a file says it: `{ "#000000": "road", "#ffffff": null }`. */
import { readText, UsageError } from '@beit/cli';
import { z } from '@beit/schemas';

export interface Palette {
  /** Whether its keys are colors, 0xRRGGBB, or the numbers of masks. */
  readonly kind: 'colors' | 'numbers';
  /** In the order in which the file names them, those of numbers from the smallest number. */
  readonly classes: readonly string[];
  /** Class by color or number; undefined for none. */
  readonly entries: ReadonlyMap<number, number | undefined>;
}

const EXPECTED =
  'expected { "#rrggbb": "class", ... }, or numbers of masks, { "0": "class", ... }, with null for none, and 2 to 254 classes';

const schema = z.record(z.string(), z.union([z.string().min(1), z.null()]));

/** `#rrggbb` */
export const hexOf = (color: number): string => `#${color.toString(16).padStart(6, '0')}`;

/** @throws UsageError when the file is missing, or no palette */
export async function readPalette(path: string): Promise<Palette> {
  const text = await readText(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`'${path}' is no JSON (${(error as Error).message}); ${EXPECTED}.`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new UsageError(`'${path}' is no palette; ${EXPECTED}.`);
  return paletteOf(parsed.data, path);
}

function paletteOf(names: Readonly<Record<string, string | null>>, path: string): Palette {
  const keys = Object.keys(names);
  const ofColors = keys.filter((key) => /^#[\da-f]{6}$/i.test(key));
  const ofNumbers = keys.filter((key) => /^\d{1,5}$/.test(key));
  const other = keys.find((key) => !ofColors.includes(key) && !ofNumbers.includes(key));
  if (other !== undefined) throw new UsageError(`'${path}' has the key '${other}'; ${EXPECTED}.`);
  if (ofColors.length > 0 && ofNumbers.length > 0)
    throw new UsageError(`'${path}' has both colors and numbers; ${EXPECTED}.`);
  const classes = [...new Set(Object.values(names))].filter((name) => name !== null);
  if (classes.length < 2 || classes.length > 254)
    throw new UsageError(`'${path}' names ${classes.length} classes; ${EXPECTED}.`);
  const isOfColors = ofColors.length > 0;
  const numberOf = (key: string) => (isOfColors ? Number.parseInt(key.slice(1), 16) : Number(key));
  const classOf = (name: string | null) => (name === null ? undefined : classes.indexOf(name));
  const entries = new Map(
    Object.entries(names).map(([key, name]) => [numberOf(key), classOf(name)] as const),
  );
  if (entries.size < keys.length) throw new UsageError(`'${path}' has a color or a number twice.`);
  return { kind: isOfColors ? 'colors' : 'numbers', classes, entries };
}
