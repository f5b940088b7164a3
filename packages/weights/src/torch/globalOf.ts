import { isGlobalName, type PickleGlobal, type PickleValue } from './pickleValue';

/** Why, and what to do. */
export const REFUSED =
  'A pickle is a program, and only what makes state dicts is read; the file is refused. If you trust where it is from, load it in Python and save its state dict with safetensors, or with torch.save.';

const MAX_SHOWN = 200;

/** The name that a pickle asks for, if it is one of those of checkpoints. */
export function globalOf(module: PickleValue, name: PickleValue): PickleGlobal {
  const full = typeof module === 'string' && typeof name === 'string' ? `${module}.${name}` : undefined;
  if (full === undefined) throw new Error(`the pickle asks for a name that is no text. ${REFUSED}`);
  if (!isGlobalName(full)) {
    throw new Error(
      `the pickle asks for ${JSON.stringify(full.slice(0, MAX_SHOWN))}, which is no part of a state dict. ${REFUSED}`,
    );
  }
  return { kind: 'global', name: full };
}
