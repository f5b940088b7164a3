import { join } from 'node:path';
import { writeJson, writeWhole } from '@beit/cli';
import { makeFolder } from '@beit/tensors';
import type { Prediction } from './predict';

/**
 * `predictions.json`, a list in the order of the pictures, and `predictions.csv`, a line for each of the most likely classes
 * of a picture; one that could not be read has a line with the reason.
 *
 * @returns the paths
 */
export async function writePredictions(out: string, predictions: readonly Prediction[]): Promise<string[]> {
  await makeFolder(out);
  const json = predictions.map(({ file, ...found }) => ({ image: file.name, ...found }));
  const lines = predictions.flatMap((prediction) => {
    const { name } = prediction.file;
    if ('reason' in prediction) return [[name, '', '', '', prediction.reason]];
    return prediction.classes.map((found, i) => [
      name,
      String(i + 1),
      found.name,
      String(found.probability),
      '',
    ]);
  });
  const csv = [['image', 'rank', 'class', 'probability', 'error'], ...lines];
  const paths = ['predictions.json', 'predictions.csv'].map((name) => join(out, name)) as [string, string];
  await writeJson(paths[0], json);
  await writeWhole(paths[1], `${csv.map((fields) => fields.map(quoted).join(',')).join('\n')}\n`);
  return paths;
}

/** A field of a CSV file, RFC 4180. */
const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
