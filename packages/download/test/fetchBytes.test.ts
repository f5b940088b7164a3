import { gzipSync } from 'node:zlib';
import { bytes, type FakeServer, serve } from '../../../tooling/servers/serve';
import { fetchBytes } from '../src';

const TEXT = 'an index '.repeat(100);

let server: FakeServer;
beforeAll(async () => {
  server = await serve({
    '/index': (_, response) => response.setHeader('content-type', 'Text/HTML; charset=utf-8').end(TEXT),
    '/packed': (_, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(TEXT)),
    '/moved': (_, response) => response.writeHead(302, { location: '/index' }).end(),
    '/to-file': (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    '/to-nothing': (_, response) => response.writeHead(302, { location: 'http://[' }).end(),
    '/to-itself': (_, response) => response.writeHead(302, { location: '/to-itself' }).end(),
    '/busy': (_, response) => response.writeHead(503, { 'retry-after': '3600' }).end(),
    '/empty': bytes(Buffer.of()),
  });
});
afterAll(() => server.close());

const fetched = async (path: string) => {
  const { bytes, url, type } = await fetchBytes(`${server.url}${path}`, { mostBytes: 1000 });
  return { text: Buffer.from(bytes).toString(), path: new URL(url).pathname, type };
};

test('what it is, from where; packed on its way or not', async () => {
  expect(await fetched('/index')).toEqual({ text: TEXT, path: '/index', type: 'text/html' });
  expect(await fetched('/moved')).toEqual({ text: TEXT, path: '/index', type: 'text/html' });
  expect((await fetched('/packed')).text).toBe(TEXT);
  expect((await fetched('/empty')).text).toBe('');
});

test('no more than is wanted', async () => {
  await expect(fetchBytes(`${server.url}/packed`, { mostBytes: 899 })).rejects.toThrow(
    `${server.url}/packed is larger than 899 bytes.`,
  );
});

test.each([
  ['/to-file', 'URL scheme must be a HTTP(S) scheme'],
  ['/to-nothing', 'Invalid URL'],
  ['/to-itself', 'redirect count exceeded'],
])('a redirect that leads nowhere is an error at once: %s', async (path, reason) => {
  const start = performance.now();
  await expect(fetchBytes(`${server.url}${path}`, { mostBytes: 1 })).rejects.toThrow(
    new RegExp(`^Cannot fetch ${server.url}${path}: .*${reason.replace(/[()]/g, '.')}\\.$`),
  );
  expect(server.requests.filter(({ url }) => url === path).length).toBeLessThanOrEqual(21);
  expect(performance.now() - start).toBeLessThan(10_000);
});

test('credentials are sent, and not shown', async () => {
  const address = `${server.url.replace('http://', 'http://me:p%40ss@')}/absent`;
  await expect(fetchBytes(address, { mostBytes: 1 })).rejects.toThrow(
    `${server.url}/absent answered 404 Not Found.`,
  );
  expect(server.requests.at(-1)!.headers.authorization).toBe(
    `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
  );
});

test('a signal ends the wait for the next try', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('Interrupted')), 100);
  const { signal } = controller;
  const start = performance.now();
  await expect(fetchBytes(`${server.url}/busy`, { mostBytes: 1, signal })).rejects.toThrow('Interrupted');
  expect(performance.now() - start).toBeLessThan(10_000);
});
