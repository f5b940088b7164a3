import { z } from 'zod';

/** What stands as JSON under a name of a file's metadata, which are texts. */
export const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, { issues }): unknown => {
      try {
        return JSON.parse(text);
      } catch (error) {
        issues.push({ code: 'custom', input: text, message: `is no JSON: ${(error as Error).message}` });
        return z.NEVER;
      }
    })
    .pipe(schema);

/** @throws with the file's name, the keys that are wrong and what was expected */
export function readMetadata<T>(
  schema: z.ZodType<T>,
  metadata: Readonly<Record<string, string>>,
  file: string,
): T {
  const result = schema.safeParse(metadata);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`Cannot read ${file}: what it says of itself is wrong.\n  ${problems.join('\n  ')}`);
}

/** The types have been checked by then; keys stay in their order. */
export const writeMetadata = (described: object): Record<string, string> =>
  Object.fromEntries(Object.entries(described).map(([name, value]) => [name, JSON.stringify(value)]));
