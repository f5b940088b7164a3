import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { engineFolder } from '../../packages/compile/src/install/installedEngine';

const installed = existsSync(join(engineFolder('tensorflow'), 'install.json'));
if (!installed && !process.env.CI) {
  console.warn("Tests of the engine 'tensorflow' are skipped: pnpm engines install tensorflow");
}

/** `test` where the engine is installed, and in CI, where it must be. */
export const tensorflowTest = installed || process.env.CI ? test : test.skip;
