import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './selfSigned';

export interface FakeServer {
  readonly url: string;
  readonly requests: IncomingMessage[];
  close(): Promise<void>;
}

/**
 * A server on this machine that answers by path.
 *
 * @param certificate makes it one of https
 */
export async function serve(
  routes: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>>,
  certificate?: Certificate,
): Promise<FakeServer> {
  const requests: IncomingMessage[] = [];
  const answer: RequestListener = (request, response) => {
    requests.push(request);
    const route = routes[request.url!];
    if (route) route(request, response);
    else response.writeHead(404).end();
  };
  const server = certificate ? createTlsServer(certificate, answer) : createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http${certificate ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const bytes =
  (body: Uint8Array) =>
  (_: IncomingMessage, response: ServerResponse): void => {
    response.setHeader('content-length', body.length).end(body);
  };
