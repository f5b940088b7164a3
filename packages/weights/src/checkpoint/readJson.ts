import { readBytes, withFile } from '../withFile';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Names of 22,000 classes take 1 MB. */
const MAX_JSON_BYTES = 16 * 2 ** 20;

/** A JSON object from a file (Node). Errors name the path. */
export async function readJson(path: string): Promise<JsonObject> {
  return withFile(path, async (file, size) => {
    if (size > MAX_JSON_BYTES)
      throw new Error(`it has ${size} bytes; at most ${MAX_JSON_BYTES} of JSON are read.`);
    return parseJsonObject(new TextDecoder().decode(await readBytes(file, 0, size)), 'it');
  });
}

/** @param what for the message, at the beginning of a sentence */
export function parseJsonObject(text: string, what: string): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${what} is not valid JSON.`, { cause });
  }
  if (!isJsonObject(parsed)) throw new Error(`${what} is not a JSON object.`);
  return parsed;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
