import { defineConfig } from 'tsup';
import { base } from '../../tsup.base';

// Engines are loaded where they are installed, never bundled.
export default defineConfig({
  ...base,
  entry: ['src/index.ts', 'src/browser.ts'],
  dts: { entry: 'src/index.ts' },
  external: ['koffi'],
});
