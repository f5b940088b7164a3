/** The page as it is published: built, and served by a plain server of files, without headers of isolation. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const APP = fileURLToPath(new URL('..', import.meta.url));
/** A folder below the root, as a page of many on a host. */
const FOLDER = '/explorer/';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webp': 'image/webp',
};

export interface ServedPage {
  readonly url: string;
  /** Where the files are that are served. */
  readonly folder: string;
  close(): void;
}

export async function servePage(): Promise<ServedPage> {
  const folder = mkdtempSync(join(tmpdir(), 'explorer-'));
  const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');
  execFileSync(process.execPath, [vite, 'build', '--outDir', folder, '--logLevel', 'error'], {
    cwd: APP,
    // That of tests would make React check itself, which mounts everything twice.
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const server = createServer(async ({ url = '' }, response) => {
    const path = normalize(decodeURIComponent(url.split('?')[0]!)).replace(FOLDER, '') || 'index.html';
    try {
      const bytes = await readFile(join(folder, path));
      response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream').end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${FOLDER}`,
    folder,
    close() {
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}
