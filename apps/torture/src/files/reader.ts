/** A process that reads files which others send it by their paths: `reader.ts FORMAT`. */
import { FORMATS } from './formats';

/** What is told of a file. */
export type Reading = { readonly path: string } & (
  | { readonly error?: undefined }
  | { readonly error: { readonly name: string; readonly message: string; readonly stack: string } }
);

const format = FORMATS.find(({ name }) => name === process.argv[2])!;
process.on('message', async (path: string) => {
  let reading: Reading = { path };
  try {
    await format.read(path);
  } catch (thrown) {
    const { name, message, stack = '' } = thrown instanceof Error ? thrown : new Error(String(thrown));
    reading = { path, error: { name, message, stack } };
  }
  process.send!(reading);
});
process.send!('ready');
