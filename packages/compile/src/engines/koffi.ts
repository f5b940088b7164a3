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

/** Whether what is called on threads has room for a compiler. */
export const hasDeepStack = (koffi: Koffi): boolean => (koffi.config().async_stack_size ?? 0) >= STACK;
