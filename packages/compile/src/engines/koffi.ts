import { importOptional } from './engine';

export type Koffi = typeof import('koffi');

/** Bytes. XLA's compiler goes deep; koffi has calls on threads begin with 128 KiB. */
const STACK = 8 << 20;

/**
 * The package koffi, which calls libraries, or `undefined` where it is not installed. It takes settings until it loads its
 * first library, whichever engine's that is.
 */
export async function findKoffi(): Promise<Koffi | undefined> {
  const koffi = await importOptional<Koffi>(() => import('koffi'));
  if (koffi && !hasDeepStack(koffi)) {
    try {
      koffi.config({ async_stack_size: STACK });
    } catch {
      // Another package has loaded a library: what needs the stack says so.
    }
  }
  return koffi;
}

/** `RTLD_NOW | RTLD_NODELETE` of Linux's dlopen(3). */
const NEVER_UNLOADED = 0x1002;
const loaded = new Set<unknown>();

/**
 * Loads a library that stays as long as the process: one that has threads of its own, or whose functions are called by their
 * addresses. koffi unloads a library when it is garbage.
 */
export function loadForGood(koffi: Koffi, path: string): ReturnType<Koffi['load']> {
  const library = koffi.load(path);
  loaded.add(library);
  // What this module keeps is garbage itself where modules are loaded anew, as test runners do.
  if (process.platform === 'linux') {
    koffi.load(null).func('void* dlopen(const char* path, int flags)')(path, NEVER_UNLOADED);
  }
  return library;
}

/** Whether what is called on threads has room for a compiler. */
export const hasDeepStack = (koffi: Koffi): boolean => (koffi.config().async_stack_size ?? 0) >= STACK;
