import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const { resolve } = createRequire(import.meta.url);
/** The published package; what `main` names is the copy that a program in Node gets. */
const CORE = dirname(dirname(resolve('@tensorflow/tfjs-core')));

/** TensorFlow.js's published op tests by name, such as `ops/relu`. */
export async function testFiles(): Promise<string[]> {
  const files = await readdir(join(CORE, 'dist'), { recursive: true });
  return files
    .filter((file) => file.endsWith('_test.js'))
    .map((file) => file.slice(0, -'_test.js'.length))
    .sort();
}

/**
 * The test files as one script for Node, which exports `tests`, that loads a file by its name, and `registerTestEnv`.
 *
 * The tests import the package's public index by a relative path. They get the copy that everybody else in the process
 * has, so that there is one engine and one class of tensors; inner modules, which no entry point exports, come along.
 */
export async function bundleTests(files: readonly string[], outfile: string): Promise<void> {
  const lines = files.map((file) => `${JSON.stringify(file)}: () => require('./dist/${file}_test.js'),`);
  await build({
    stdin: {
      contents: `exports.registerTestEnv = require('./dist/jasmine_util.js').registerTestEnv;
exports.tests = {\n${lines.join('\n')}\n};`,
      resolveDir: CORE,
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
    plugins: [
      {
        name: 'one-tensorflow',
        setup({ onResolve }) {
          onResolve({ filter: /^\.\.?(\/.*)?$/ }, ({ path, resolveDir }) => {
            const file = join(resolveDir, path);
            return [join(CORE, 'dist'), join(CORE, 'dist/index')].includes(file)
              ? { path: '@tensorflow/tfjs-core', external: true }
              : undefined;
          });
          onResolve({ filter: /^jasmine-core/ }, () => ({ path: 'jasmine-core', external: true }));
        },
      },
    ],
  });
}
