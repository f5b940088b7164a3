import { defineConfig } from 'tsup';
import { base } from '../../tsup.base';

// What calls native libraries is loaded where it is installed, never bundled.
export default defineConfig({
  ...base,
  entry: ['src/index.ts', 'src/cli.ts'],
  dts: { entry: 'src/index.ts' },
  external: ['koffi'],
});
