import type { Installable, LoadingGuard } from '@beit/installed';
import type { HostPrograms } from './engine';
import { assertWhole } from './wholeLibrary';

/** What is to be loaded, and the engine that it belongs to where `beit-engine` installed it. */
export interface GuardedLibraries {
  readonly installed: Installable | undefined;
  /** The path of the library, then of those that it loads. */
  readonly libraries: readonly [string, ...string[]];
  /** What to do where one of them is cut off, as a sentence. */
  readonly mend?: string;
}

/** By the library. A process loads it once. */
const guards = new Map<string, Promise<LoadingGuard>>();

/**
 * Checks libraries before they are loaded: against their record what was installed, and of all that they are not cut off.
 *
 * @throws with the file that is damaged, and what to do
 */
export async function guardLoading(given: GuardedLibraries): Promise<LoadingGuard> {
  const [library] = given.libraries;
  const guard = guards.get(library) ?? checked(given);
  guards.set(library, guard);
  // One that was installed anew is checked anew.
  guard.catch(() => guards.delete(library));
  return guard;
}

async function checked({
  installed,
  libraries,
  mend = 'Install it again.',
}: GuardedLibraries): Promise<LoadingGuard> {
  const guard = installed && (await (await import('@beit/installed')).loadInstalled(installed));
  for (const path of libraries) assertWhole(path, mend);
  return guard ?? { attempt: async (work) => work(), done: () => {} };
}

/** Programs of an engine that has worked once one of them has run. */
export const doneWhenRun = (guard: LoadingGuard, programs: HostPrograms): HostPrograms => ({
  ...programs,
  async run(name, inputs) {
    const outputs = await guard.attempt(() => programs.run(name, inputs));
    guard.done();
    return outputs;
  },
});

/** What an automatic choice of engines must not pass over: it would compute more slowly, and nobody would know why. */
export const isDamage = (error: unknown): boolean =>
  error instanceof Error && error.name === 'DamagedEngineError';
