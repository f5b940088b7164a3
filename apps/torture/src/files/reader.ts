/** A process that reads files which others send it by their paths: `reader.ts FORMAT`. */
import { digestOfValue } from '../digest';
import { FORMATS } from './formats';
import { recipeFormats } from './recipes';

/** What is told of a file. */
export type Reading = { readonly path: string } & (
  | {
      readonly error?: undefined;
      /** Of what it says, where that can be compared. */
      readonly digest?: string;
    }
  | {
      readonly error: { readonly name: string; readonly message: string; readonly stack: string };
      readonly digest?: undefined;
    }
);

const format = [...FORMATS, ...recipeFormats].find(({ name }) => name === process.argv[2])!;
process.on('message', async (path: string) => {
  let reading: Reading;
  try {
    const value = await format.read(path);
    reading = { path, ...(format.isExact && { digest: digestOfValue(value) }) };
  } catch (thrown) {
    const { name, message, stack = '' } = thrown instanceof Error ? thrown : new Error(String(thrown));
    reading = { path, error: { name, message, stack } };
  }
  process.send!(reading);
});
process.send!('ready');
