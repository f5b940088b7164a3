import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Collects what is no longer used, and what only that kept. */
export async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  for (let i = 0; i < 2; i++) {
    runInNewContext('gc')();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
