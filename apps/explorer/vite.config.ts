import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';
import { contentSecurityPolicy } from './scripts/contentSecurityPolicy';

// Without these headers the page works too, on one thread.
const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  // The build can lie in any folder of any server.
  base: './',
  plugins: [react(), contentSecurityPolicy()],
  resolve: {
    conditions: ['@beit/source', 'onnxruntime-web-use-extern-wasm', ...defaultClientConditions],
    alias: [
      {
        find: /^@tensorflow\/tfjs$/,
        replacement: fileURLToPath(new URL('src/model/tfjs.ts', import.meta.url)),
      },
    ],
  },
  worker: { format: 'es' },
  build: { target: 'es2022', chunkSizeWarningLimit: 2000 },
  server: { headers: ISOLATED },
  preview: { headers: ISOLATED },
});
