import wordnet from './imagenet1k.json';

/**
 * The classes of ImageNet-1k (ILSVRC 2012), by class index: the WordNet id, such as `n01440764`, in whose order the classes
 * are, and the words of its synset, from WordNet 3.0, whose licence is in the file.
 */
export const IMAGENET1K_CLASSES: readonly { readonly id: string; readonly name: string }[] = Object.entries(
  wordnet.synsets,
).map(([id, name]) => ({ id, name }));
