import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned } from '../../../tooling/servers/selfSigned';
import { bytes, type FakeServer, serve } from '../../../tooling/servers/serve';
import { type ProxyServer, startProxy } from '../../../tooling/servers/startProxy';

const VARIABLES = ['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS'];
const CONTENT = Buffer.from('what is served');

let folder: string;
let authority: string;
let server: FakeServer;
let proxy: ProxyServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beit-surroundings-'));
  const certificate = selfSigned();
  authority = join(folder, 'authority.pem');
  await writeFile(authority, certificate.cert);
  server = await serve({ '/a.bin': bytes(CONTENT) }, certificate);
  proxy = await startProxy();
});
afterAll(async () => {
  await proxy.close();
  await server.close();
  await rm(folder, { recursive: true });
});

/** Brings the file in a process, as it were, that has these variables from its start. */
async function bring(
  env: Readonly<Record<string, string>>,
  certificates: readonly string[] = [],
): Promise<void> {
  for (const name of [...VARIABLES, 'http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) {
    delete process.env[name];
  }
  Object.assign(process.env, { no_proxy: '', ...env });
  proxy.led.splice(0);
  jest.resetModules();
  const { download } = await import('../src');
  const path = join(folder, 'brought');
  await download(`${server.url}/a.bin`, path, { mostBytes: 100, tries: 1, certificates });
  expect(await readFile(path)).toEqual(CONTENT);
  await rm(path);
}

test.each(VARIABLES)('trusts an authority of %s', (name) => bring({ [name]: authority }));

test('trusts an authority that is given, and nobody else', async () => {
  await bring({}, [authority]);
  await expect(bring({})).rejects.toThrow(/Cannot fetch https:.*self-signed certificate/);
});

test('goes through a proxy, except where it is told not to', async () => {
  const { host } = new URL(server.url);
  await bring({ HTTPS_PROXY: proxy.url, SSL_CERT_FILE: authority });
  expect(proxy.led).toEqual([host]);
  await bring({ HTTPS_PROXY: proxy.url, no_proxy: '127.0.0.1', SSL_CERT_FILE: authority });
  expect(proxy.led).toEqual([]);
});

test('certificates that can’t be read are an error where they are given, a warning where the environment has them', async () => {
  const absent = join(folder, 'absent.pem');
  await expect(bring({}, [absent])).rejects.toThrow(/Cannot read the certificates .*absent\.pem: ENOENT/);
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  await bring({ SSL_CERT_FILE: absent, REQUESTS_CA_BUNDLE: authority });
  expect(warned.mock.calls).toEqual([[expect.stringMatching(/Cannot read the certificates .*absent\.pem/)]]);
  warned.mockRestore();
});
