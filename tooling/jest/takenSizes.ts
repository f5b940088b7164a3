/** All variants of plain data in which one number is another value, with the path of that number. */
function* eachNumber(data: unknown, value: unknown): Generator<readonly [path: string, variant: unknown]> {
  if (typeof data === 'number') yield ['', value];
  if (typeof data !== 'object' || data === null) return;
  for (const [key, part] of Object.entries(data)) {
    for (const [path, variant] of eachNumber(part, value)) {
      const copy = Array.isArray(data) ? [...data] : { ...data };
      Object.assign(copy, { [key]: variant });
      yield [path === '' ? key : `${key}.${path}`, copy];
    }
  }
}

/** What is made is as large as these say. */
const SIZES =
  /(?:Size|\.size|[dD]im|depth|num[A-Z]\w+|[pP]erGroup|mlpRatio|[cC]hannels|scale\.\d|ratio\.1|width|height)$/;

interface Schema {
  safeParse(value: unknown): { readonly success: boolean };
}

/**
 * The sizes in a recipe in whose place a schema takes a value, which nobody can make. Another number may be taken or not;
 * that the schema itself fails at none of them is tested by the way.
 */
export const takenSizes = (schema: Schema, recipe: unknown, value: unknown): string[] =>
  [...eachNumber(recipe, value)].flatMap(([path, variant]) => {
    const { success } = schema.safeParse(variant);
    return success && (typeof value !== 'number' || SIZES.test(path)) ? [path] : [];
  });
