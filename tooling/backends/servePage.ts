import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';

const HTML = `<!doctype html><meta charset="utf-8"><title>Backends</title><link rel="icon" href="data:,">
<script type="module" src="/page.js"></script>`;
const WASM = dirname(require.resolve('@tensorflow/tfjs-backend-wasm'));

/** Serves the page on this machine alone, isolated from other origins, so that WebAssembly may have threads. */
export async function servePage(script: Uint8Array): Promise<{ url: string; server: Server }> {
  const server = createServer(async ({ url = '' }, response) => {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    const wasm = /^\/wasm\/([\w-]+\.wasm)$/.exec(url)?.[1];
    if (url === '/') response.setHeader('Content-Type', 'text/html').end(HTML);
    else if (url === '/page.js') response.setHeader('Content-Type', 'text/javascript').end(script);
    else if (wasm)
      response.setHeader('Content-Type', 'application/wasm').end(await readFile(join(WASM, wasm)));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}
