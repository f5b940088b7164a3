/** Parts of a data set, as folders of it are called. */
export type Part = 'train' | 'validation' | 'test';

const NAMES: Readonly<Record<string, Part>> = {
  train: 'train',
  training: 'train',
  val: 'validation',
  valid: 'validation',
  validation: 'validation',
  test: 'test',
  testing: 'test',
};

/** The part that is called so, in any case. */
export function partCalled(name: string): Part | undefined {
  const known = name.toLowerCase();
  return Object.hasOwn(NAMES, known) ? NAMES[known] : undefined;
}

/** Which folder is which part, by the name that it has; those that are missing are left out. */
export type FolderParts = Readonly<Partial<Record<Part, string>>>;

/**
 * Which parts a folder of images has: `train` or `training`, `val`, `valid` or `validation`, `test` or `testing`, in any
 * case, below which is a folder for each class. Undefined where it has classes alone: a vehicle can be a class `train`.
 *
 * @param names of all images, with `/`
 * @param directory for messages
 * @throws when a part has two folders, or lies among classes: an error, lest the parts be taken for classes
 */
export function folderParts(names: readonly string[], directory: string): FolderParts | undefined {
  /** Whether there are images right in it. */
  const tops = new Map<string, boolean>();
  for (const name of names) {
    const path = name.split('/');
    if (path.length === 1) continue;
    tops.set(path[0]!, (tops.get(path[0]!) ?? false) || path.length === 2);
  }
  const parts: Partial<Record<Part, string>> = {};
  const classes: string[] = [];
  for (const [top, hasImages] of tops) {
    const part = partCalled(top);
    if (!part || hasImages) classes.push(top);
    else if (parts[part] === undefined) parts[part] = top;
    else
      throw new Error(
        `'${directory}' has the folders '${parts[part]}' and '${top}', which are one part; expected one of them.`,
      );
  }
  const found = Object.values(parts);
  if (found.length === 0) {
    if (classes.length > 0 && classes.every((name) => partCalled(name)))
      throw new Error(
        `'${directory}' has images right in ${listed(classes)}; expected a folder for each class there, as '${classes[0]}/cat'.`,
      );
    return undefined;
  }
  if (classes.length > 0)
    throw new Error(
      `'${directory}' has the parts ${listed(found)}, and beside them ${listed(classes)}; expected parts alone, or classes alone.`,
    );
  return parts;
}

const listed = (names: readonly string[]) =>
  `${names
    .slice(0, 5)
    .map((name) => `'${name}'`)
    .join(', ')}${names.length > 5 ? `, and ${names.length - 5} more` : ''}`;
