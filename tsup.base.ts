import type { Options } from 'tsup';

/** What every package builds: ESM and CommonJS with their own type declarations. */
export const base: Options = {
  entry: ['src/index.ts'],
  format: ['esm', 'cjs'],
  target: 'node20',
  dts: true,
  sourcemap: true,
  clean: true,
  // `import.meta.url` in the CommonJS build.
  shims: true,
  esbuildOptions(options) {
    // Dependencies stay external; the source condition is for this workspace only.
    options.conditions = ['import', 'default'];
  },
};
