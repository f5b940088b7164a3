import { isAbsolute, posix, relative } from 'node:path';
import { failIn, listed, shown } from './labelTable';
import type { LabelledName, LabelsFile } from './readLabels';

/** A picture of a folder, with what a file says of it. */
export interface FoundPicture {
  /** The name in the folder. */
  readonly name: string;
  readonly said: LabelledName;
}

/**
 * The pictures of a folder that a file names: by path, relative to the folder or to where the file lies in it; without its
 * ending, where one picture fits.
 *
 * @param names of all pictures of the folder
 * @throws when one is not there, several fit, or two names are of one picture
 */
export function findPictures(
  { path, unit, images }: LabelsFile,
  directory: string,
  names: readonly string[],
): FoundPicture[] {
  const fail = failIn(path, unit);
  const known = new Set(names);
  const stems = stemsOf(names);
  const within = relative(directory, posix.dirname(path)).replaceAll('\\', '/');
  const bases = within === '' || within.startsWith('..') || isAbsolute(within) ? [''] : ['', `${within}/`];
  const find = (name: string, base: string): readonly string[] => {
    for (const said of [name, name.replaceAll('\\', '/')]) {
      const below = posix.normalize(isAbsolute(said) ? relative(directory, said) : base + said);
      if (known.has(below)) return [below];
      const found = stems.get(below);
      if (found) return found;
    }
    return [];
  };
  const count = (base: string) => images.filter(({ name }) => find(name, base).length > 0).length;
  const base = bases.reduce((best, other) => (count(other) > count(best) ? other : best));
  const missing: string[] = [];
  const lines = new Map<string, number>();
  const pictures = images.flatMap((said): FoundPicture[] => {
    const [found, other] = find(said.name, base);
    if (found === undefined) {
      missing.push(said.name);
      return [];
    }
    if (other !== undefined)
      return fail(
        said.line,
        `${shown(said.name)} may be ${shown(found)} or ${shown(other)}; give the ending.`,
      );
    const before = lines.get(found);
    if (before !== undefined)
      fail(said.line, `${shown(said.name)} is ${shown(found)}, which is in ${unit} ${before} too.`);
    lines.set(found, said.line);
    return [{ name: found, said }];
  });
  if (missing.length > 0)
    throw new Error(
      `${missing.length} of the ${images.length} pictures of ${path} are not in '${directory}': ${listed(missing)}. ` +
        `The pictures there are called e.g. ${shown(names[0]!)}.`,
    );
  return pictures;
}

/** Pictures by name without ending. */
function stemsOf(names: readonly string[]): Map<string, string[]> {
  const stems = new Map<string, string[]>();
  for (const name of names) {
    const stem = name.slice(0, -posix.extname(name).length);
    const own = stems.get(stem);
    if (own) own.push(name);
    else stems.set(stem, [name]);
  }
  return stems;
}
