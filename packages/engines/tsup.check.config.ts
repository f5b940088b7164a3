import { cp, mkdir, readdir } from 'node:fs/promises';
import { defineConfig } from 'tsup';
import { base } from '../../tsup.base';

const FIXTURES = '../../fixtures';

/**
 * The program of `beit-engine check` in one file, so that nobody who installs an engine gets TensorFlow.js with it. Beside
 * it, the numbers that it compares with and the peers' script.
 */
export default defineConfig(({ outDir = 'dist' }) => ({
  ...base,
  entry: ['src/check.ts'],
  format: 'esm',
  dts: false,
  sourcemap: false,
  clean: false,
  splitting: false,
  // All but what is found where it is installed, or not at all.
  external: ['koffi', 'onnxruntime-node'],
  noExternal: [/^(?!koffi$|onnxruntime-node$)/],
  // What is CommonJS inside asks for Node's modules.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  esbuildOptions(options) {
    options.conditions = ['@beit/source', 'import', 'default'];
    options.legalComments = 'linked';
    options.minifyWhitespace = true;
    options.minifyIdentifiers = true;
    // Statements that only keep memory alive while a library reads it must stay.
    options.minifySyntax = false;
  },
  async onSuccess() {
    const reference = `${outDir}/reference`;
    await mkdir(reference, { recursive: true });
    for (const file of await readdir(FIXTURES)) {
      const isEngines = /^(?:adamw|classify|dvae|mim-\w+|setr-\w+|upernet)\.safetensors$/.test(file);
      if (isEngines) await cp(`${FIXTURES}/${file}`, `${reference}/${file}`);
    }
    await cp('src/check/peer.py', `${outDir}/peer.py`);
  },
}));
