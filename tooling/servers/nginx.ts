import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Server {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  close(): Promise<void>;
}

/** nginx, which serves a folder; below `/slow`, at 400 bytes a second. */
export async function startNginx(root: string): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'beit-nginx-'));
  await mkdir(join(folder, 'temporary'));
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder}/temporary;`)
    .join(' ');
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events {}
    http {
      access_log off; ${temporary}
      server {
        listen 127.0.0.1:${port};
        location / { root ${root}; }
        location /slow/ { alias ${root}/; limit_rate 400; }
      }
    }`,
  );
  const child: ChildProcess = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: 'inherit',
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await untilOpen(port);
  return {
    address: `http://127.0.0.1:${port}`,
    close: async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilOpen(port: number): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nginx did not open port ${port}.`);
}

/** What happens to an answer on its way. */
export type Fault =
  | { readonly kind: 'none' }
  /** The connection breaks after so many bytes; or the answer ends there, as if it were whole. */
  | { readonly kind: 'break' | 'short' | 'stall'; readonly after: number }
  /** Another byte than the server's comes at this place. */
  | { readonly kind: 'wrong'; readonly at: number }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Headers of the answer that are others than the server's. */
  | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string>> }
  /** The whole file comes, whatever part was asked for. */
  | { readonly kind: 'whole' };

export interface FaultyServer extends Server {
  /** What happens to the next requests, one after the other. */
  readonly faults: Fault[];
  /** The path and range of every request. */
  readonly requests: string[];
}

/** In front of another server: an answer goes wrong as the next of `faults` says. */
export async function startFaulty(behind: string): Promise<FaultyServer> {
  const faults: Fault[] = [];
  const requests: string[] = [];
  const server = createServer((incoming, outgoing) => {
    requests.push(`${incoming.url} ${incoming.headers.range ?? 'whole'}`);
    forward(behind, incoming, outgoing, faults.shift() ?? { kind: 'none' });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    faults,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(behind: string, incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault): void {
  if (fault.kind === 'status') {
    outgoing.writeHead(fault.status, fault.headers).end();
    return;
  }
  const { range, 'if-range': ifRange, ...others } = incoming.headers;
  const headers = fault.kind === 'whole' ? others : { ...others, range, 'if-range': ifRange };
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  request(`${behind}${incoming.url}`, { headers: given }, async (answer) => {
    const { 'content-length': length, ...rest } = answer.headers;
    const changed = fault.kind === 'headers' ? fault.headers : {};
    const kept = fault.kind === 'short' ? rest : { ...rest, 'content-length': length };
    outgoing.writeHead(answer.statusCode!, { ...kept, ...changed });
    let sent = 0;
    for await (const piece of answer as AsyncIterable<Buffer>) {
      const bytes = Buffer.from(piece);
      if (fault.kind === 'wrong' && fault.at >= sent && fault.at < sent + bytes.length)
        bytes[fault.at - sent]! ^= 1;
      const most = 'after' in fault ? fault.after - sent : bytes.length;
      if (most < bytes.length) {
        const end = () => {
          if (fault.kind === 'break') outgoing.destroy();
          else if (fault.kind === 'short') outgoing.end();
        };
        outgoing.write(bytes.subarray(0, most), end);
        answer.destroy();
        return;
      }
      sent += bytes.length;
      outgoing.write(bytes);
    }
    outgoing.end();
  }).end();
}
