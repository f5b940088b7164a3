import { defineConfig } from 'tsup';
import { base } from '../../tsup.base';

// `cli` is the program beit-engine.
export default defineConfig({
  ...base,
  entry: ['src/index.ts', 'src/cli.ts'],
  dts: { entry: 'src/index.ts' },
});
