import { defineConfig } from 'tsup';
import { base } from '../../tsup.base';

// The random generator is bundled, so that the package has no dependencies.
export default defineConfig({ ...base, noExternal: ['@beit/random'], dts: { resolve: ['@beit/random'] } });
