import { isGlobalName, type PickleClass, type PickleGlobal, type PickleValue } from './pickleValue';

/** Why, and what to do. */
export const REFUSED =
  'A pickle is a program, and only what makes state dicts and modules is read; the file is refused. If you trust where it is from, load it in Python and save its state dict with safetensors, or with torch.save.';

const MAX_SHOWN = 200;

/** The name that a pickle mentions: one of those of checkpoints, or another, which is only a name. */
export function globalOf(module: PickleValue, name: PickleValue): PickleGlobal | PickleClass {
  if (typeof module !== 'string' || typeof name !== 'string')
    throw new Error(`the pickle asks for a name that is no text. ${REFUSED}`);
  const full = `${module}.${name}`;
  return isGlobalName(full) ? { kind: 'global', name: full } : { kind: 'class', name: full };
}

/** What is said of a name that a pickle does more with than to mention it. */
export const refusedName = (name: string): Error =>
  new Error(
    `the pickle asks for ${JSON.stringify(name.slice(0, MAX_SHOWN))}, which is no part of a state dict. ${REFUSED}`,
  );
