import { defineConfig } from 'tsup';
import { base } from '../../tsup.base';

// Threads and processes are started by their files.
export default defineConfig({ ...base, entry: ['src/index.ts', 'src/worker.ts', 'src/parquetProcess.ts'] });
