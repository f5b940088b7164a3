import { access, constants } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { makeFolder } from '@beit/tensors';
import type { CompileOptions } from './compileOptions';

/**
 * Makes the folder where a profile is to be written: engines write it at the end, and some of them say nothing where they
 * can't.
 *
 * @throws when it can't be made, or nothing may be written there
 */
export async function readyForProfile({ profile }: Pick<CompileOptions, 'profile'>): Promise<void> {
  if (profile === undefined) return;
  const folder = dirname(resolve(profile));
  await makeFolder(folder);
  await access(folder, constants.W_OK).catch((cause) => {
    throw new Error(`The profile '${profile}' cannot be written: nothing may be written in '${folder}'.`, {
      cause,
    });
  });
}
