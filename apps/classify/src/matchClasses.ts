import { IMAGENET1K_CLASSES } from '@beit/classification';
import { foldSpaces } from '@beit/cli';

export interface Classes {
  readonly classes: readonly string[];
  /** False: they are numbers, and what stands for names was made up. */
  readonly named: boolean;
}

/** Those of images; without names they are whole numbers as text. */
export interface ImageClasses extends Classes {
  /** What the first and the last class are, where order is all that is known. Default: a folder in sorted order. */
  readonly order?: string;
}

export interface Match {
  /** For each class of the images, the class of the model. */
  readonly places: readonly number[];
  /** By what they were found, for people. */
  readonly how: string;
}

const WORDNET_ID = /^n\d{8}$/;

/**
 * Which classes of a model those of a set of images are. By name where the model has names. ImageNet's folders are named by
 * WordNet ids: all of them are the model's classes in sorted order, some of ImageNet-1k's are found by their ids. A model
 * without names has the folders in sorted order, as torchvision numbers them.
 *
 * @param images of which the classes are sorted, where they are folders
 * @throws when a class is not the model's, or there is no way to tell
 */
export function matchClasses(images: ImageClasses, model: Classes, path: string): Match {
  const [count, known] = [images.classes.length, model.classes.length];
  const inOrder = images.classes.map((_, label) => label);
  const byName = namePlaces(images.classes, model.classes);
  if (model.named && !byName.includes(-1))
    return { places: byName, how: 'Classes were found by their names.' };
  if (!images.named) {
    const numbers = images.classes.map(Number);
    const [least, largest] = [Math.min, Math.max].map((of) => numbers.reduce((a, b) => of(a, b))) as [
      number,
      number,
    ];
    if (largest >= known)
      throw new Error(`The images have classes from ${least} to ${largest}, but ${path} has ${known}.`);
    return { places: numbers, how: "The images have numbers of classes, and so they are the model's." };
  }
  const areIds = images.classes.every((name) => WORDNET_ID.test(name));
  if (count === known && (areIds || !model.named)) {
    const { order = 'folder in sorted order' } = images;
    return {
      places: inOrder,
      how: `${areIds ? 'The folders are WordNet ids' : 'The model has no names of classes'}: class 0 is the first ${order}, '${images.classes[0]}', class ${count - 1} the last, '${images.classes.at(-1)}'.`,
    };
  }
  if (areIds && known === IMAGENET1K_CLASSES.length) {
    const ids = IMAGENET1K_CLASSES.map(({ id }) => id);
    const byId = images.classes.map((id) => ids.indexOf(id));
    if (!byId.includes(-1)) return { places: byId, how: "Classes were found by ImageNet-1k's WordNet ids." };
  }
  if (!model.named)
    throw new Error(
      `${path} has ${known} classes without names, the images have ${count}: ${some(images.classes)}. ` +
        'Give the names of its classes with --class-names FILE.',
    );
  throw new Error(
    `${path} does not know ${some(images.classes.filter((_, label) => byName[label] === -1))}. ` +
      `Its classes: ${some(model.classes)}. Other names: --class-names FILE.`,
  );
}

/** -1 for a name that the model does not have, or has twice. */
function namePlaces(names: readonly string[], known: readonly string[]): number[] {
  const places = new Map<string, number>();
  known.map(foldSpaces).forEach((name, label) => {
    places.set(name, places.has(name) ? -1 : label);
  });
  return names.map((name) => places.get(foldSpaces(name)) ?? -1);
}

const some = (names: readonly string[]) =>
  names
    .slice(0, 20)
    .map((name) => `'${name}'`)
    .join(', ') + (names.length > 20 ? ', ...' : '');
