import { defineConfig } from 'tsup';
import { base } from '../../tsup.base';

// The loader starts `worker` in threads of its own.
export default defineConfig({ ...base, entry: ['src/index.ts', 'src/worker.ts'] });
