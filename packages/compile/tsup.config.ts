import { defineConfig } from 'tsup';
import { base } from '../../tsup.base';

// onnxruntime is loaded where it is installed, never bundled.
export default defineConfig({ ...base, external: ['onnxruntime-node'] });
