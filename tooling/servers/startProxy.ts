import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

export interface ProxyServer {
  readonly url: string;
  /** To whom it has led, as `host:port`. */
  readonly led: string[];
  close(): Promise<void>;
}

/** A proxy on this machine that leads wherever it is asked to (`CONNECT`). */
export async function startProxy(): Promise<ProxyServer> {
  const led: string[] = [];
  const server = createServer((_, response) => response.writeHead(405).end());
  const open = new Set<{ destroy(): unknown }>();
  server.on('connect', (request, client) => {
    led.push(request.url!);
    const { hostname, port } = new URL(`http://${request.url}`);
    const target = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(target).pipe(client);
    });
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => open.delete(one));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    led,
    async close() {
      for (const socket of open) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
