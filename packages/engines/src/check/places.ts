import { fileURLToPath } from 'node:url';

/** Bundled, all modules are one file, and what it needs lies beside it. */
const isBundled = !import.meta.url.endsWith('.ts');
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** The program itself. */
export const PROGRAM = path(isBundled ? './check.js' : '../check.ts');
/** The numbers of the reference implementations. */
export const FIXTURES = path(isBundled ? './reference' : '../../../../fixtures');
/** The same step in PyTorch and JAX. */
export const PEER = path('./peer.py');
