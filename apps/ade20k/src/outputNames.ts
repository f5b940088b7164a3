import { parse } from 'node:path';

/** What `predict` writes of each image, behind its name. */
export const OUTPUTS = ['.png', '-classes.png', '-overlay.jpg'] as const;

/**
 * Where the files of each image begin, so that no two images share one: without the ending where that is enough, otherwise
 * with it (`a-png`), otherwise with a number.
 *
 * @param names of images, with `/` where they are below a folder
 */
export function outputNames(names: readonly string[]): string[] {
  // Capital letters tell no files apart on some disks.
  const taken = new Set<string>();
  const filesOf = (name: string) => OUTPUTS.map((ending) => `${name}${ending}`.toLowerCase());
  return names.map((whole) => {
    const { dir, name, ext } = parse(whole);
    const stem = dir === '' ? name : `${dir}/${name}`;
    const withEnding = `${stem}-${ext.slice(1)}`;
    let chosen = stem;
    for (let i = 1; filesOf(chosen).some((file) => taken.has(file)); i++)
      chosen = i === 1 ? withEnding : `${withEnding}-${i}`;
    for (const file of filesOf(chosen)) taken.add(file);
    return chosen;
  });
}
