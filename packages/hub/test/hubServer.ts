import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export const COMMIT = 'c0'.repeat(20);

export interface HubServer {
  readonly endpoint: string;
  /** What was asked for since the last look: `GET /path`, with the bytes where only a part was. */
  asked(): string[];
  /** Tokens that the Hub and the server of large files got. */
  readonly tokens: { hub: (string | undefined)[]; storage: (string | undefined)[] };
  /** Bytes after which the next answer with a file breaks off. */
  breakAfter: number | undefined;
  close(): Promise<void>;
}

export interface HubServerOptions {
  /** By path; those of `.safetensors`, `.bin` and `.parquet` are kept with Git LFS. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly kind?: 'model' | 'dataset';
  readonly id?: string;
  readonly token?: string;
  /** Instead of the listing. */
  readonly listing?: unknown;
  /** What large files are instead. */
  readonly damage?: (content: Uint8Array) => Uint8Array;
}

const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');
const gitName = (content: Uint8Array) =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
const isLarge = (path: string) => /\.(safetensors|bin|parquet)$/.test(path);
export const etagOf = (path: string, content: Uint8Array) =>
  isLarge(path) ? sha256(content) : gitName(content);

/** Speaks the part of the Hub's API that models and data sets are brought by, with large files on another server. */
export async function hubServer({
  files,
  kind = 'model',
  id = 'owner/name',
  token,
  listing,
  damage = (content) => content,
}: HubServerOptions): Promise<HubServer> {
  const asked: string[] = [];
  const tokens: HubServer['tokens'] = { hub: [], storage: [] };
  const state = { breakAfter: undefined as number | undefined };

  function send(request: IncomingMessage, answer: ServerResponse, content: Uint8Array, etag: string): void {
    const first = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const rest = content.subarray(first);
    answer.writeHead(first > 0 ? 206 : 200, {
      etag: `"${etag}"`,
      'content-length': rest.length,
      'accept-ranges': 'bytes',
      ...(first > 0 && { 'content-range': `bytes ${first}-${content.length - 1}/${content.length}` }),
    });
    if (request.method === 'HEAD') return void answer.end();
    const { breakAfter } = state;
    if (breakAfter === undefined || breakAfter >= rest.length) return void answer.end(rest);
    state.breakAfter = undefined;
    answer.write(rest.subarray(0, breakAfter), () => setTimeout(() => answer.destroy(), 50));
  }
  const note = (request: IncomingMessage) =>
    asked.push(`${request.method} ${request.url}${request.headers.range ? ` ${request.headers.range}` : ''}`);

  const storage = await listening((request, answer) => {
    note(request);
    tokens.storage.push(request.headers.authorization);
    const path = decodeURIComponent(request.url!.slice(1));
    send(request, answer, damage(files[path]!), sha256(files[path]!));
  });
  const hub = await listening((request, answer) => {
    note(request);
    tokens.hub.push(request.headers.authorization);
    const refuse = (status: number) => void answer.writeHead(status).end('{"error":"refused"}');
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) return refuse(401);
    const url = decodeURIComponent(request.url!);
    if (
      url.startsWith(`/api/${kind}s/${id}/revision/main`) ||
      url.startsWith(`/api/${kind}s/${id}/revision/${COMMIT}`)
    ) {
      const siblings = Object.entries(files).map(([rfilename, content]) => ({
        rfilename,
        size: content.length,
        blobId: gitName(content),
        ...(isLarge(rfilename) && {
          lfs: { sha256: sha256(content), size: content.length, pointerSize: 134 },
        }),
      }));
      return void answer.end(JSON.stringify(listing ?? { id, sha: COMMIT, siblings }));
    }
    const prefix = `/${kind === 'dataset' ? 'datasets/' : ''}${id}/resolve/`;
    const path = url.startsWith(prefix) ? url.slice(prefix.length).replace(/^[^/]+\//, '') : '';
    const content = files[path];
    if (!content) return refuse(404);
    answer.setHeader('x-repo-commit', COMMIT);
    if (!isLarge(path)) return send(request, answer, content, gitName(content));
    answer
      .writeHead(302, {
        location: `${addressOf(storage)}/${encodeURIComponent(path)}`,
        'x-linked-etag': `"${sha256(content)}"`,
        'x-linked-size': content.length,
      })
      .end();
  });
  return {
    endpoint: addressOf(hub),
    asked: () => asked.splice(0),
    tokens,
    get breakAfter() {
      return state.breakAfter;
    },
    set breakAfter(bytes) {
      state.breakAfter = bytes;
    },
    close: async () => {
      for (const server of [hub, storage]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

async function listening(
  answer: (request: IncomingMessage, answer: ServerResponse) => void,
): Promise<Server> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return server;
}

const addressOf = (server: Server) => `http://127.0.0.1:${(server.address() as { port: number }).port}`;
