import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineFolder, findOpenvino, here, installRecord } from '@beit/installed';
import { type Certificate, selfSigned } from '../../../tooling/servers/selfSigned';
import { bytes, type FakeServer, serve } from '../../../tooling/servers/serve';
import { startProxy } from '../../../tooling/servers/startProxy';
import { installOpenvino, OPENVINO_VERSION, removeEngine } from '../src';
import { html, json, renamed, sha256, zipOf } from './fakeIndex';

const LIBS = {
  'openvino/libs/libopenvino_c.so.2641': 'the C library',
  'openvino/libs/libopenvino.so.2641': 'runtime',
  'openvino/libs/libopenvino_intel_cpu_plugin.so': 'cpu',
  'openvino/libs/libopenvino_intel_gpu_plugin.so': 'gpu',
  'openvino/libs/libopenvino_onnx_frontend.so.2641': 'onnx',
  'openvino/libs/libopenvino_ir_frontend.so.2641': 'ir',
  'openvino/libs/libtbb.so.12': 'tbb',
  'openvino/libs/cache.json': '{}',
  'openvino/__init__.py': 'raise SystemExit',
  'openvino-2026.4.1.dist-info/licenses/LICENSE': 'Apache',
};
const KEPT = [
  'libopenvino.so.2641',
  'libopenvino_c.so.2641',
  'libopenvino_intel_cpu_plugin.so',
  'libopenvino_ir_frontend.so.2641',
  'libtbb.so.12',
];
const FILE = 'openvino-2026.4.1-1-cp312-cp312-manylinux_2_5_x86_64.whl';

let cache: string;
let server: FakeServer | undefined;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'beit-install-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(cache, { recursive: true, force: true });
});

const machine = () => ({
  ...here(),
  platform: 'linux' as const,
  arch: 'x64',
  glibc: [2, 31] as const,
  env: { BEIT_CACHE: cache, PIP_CONFIG_FILE: '/dev/null', PIP_INDEX_URL: `${server!.url}/simple/` },
  home: cache,
});
/** Of a release that no one knows. */
const install = (options: Parameters<typeof installOpenvino>[0] = {}) =>
  installOpenvino({ version: OPENVINO_VERSION, known: {}, ...options }, machine());

/** An index whose one file is `archive`, described by `entry`. */
async function indexWith(
  archive: Buffer,
  entry: Record<string, unknown> = {},
  certificate?: Certificate,
): Promise<void> {
  server = await serve(
    {
      '/simple/openvino/': json({
        meta: { 'api-version': '1.1' },
        files: [
          {
            filename: FILE,
            url: `/files/${FILE}`,
            size: archive.length,
            hashes: { sha256: sha256(archive) },
            ...entry,
          },
        ],
      }),
      [`/files/${FILE}`]: bytes(archive),
    },
    certificate,
  );
}
const described = (text: string) => ({ bytes: text.length, sha256: sha256(Buffer.from(text)) });
const everything = async () => (await readdir(cache, { recursive: true })).sort();
const leftOvers = async () => (await everything()).filter((name) => !['downloads', 'engines'].includes(name));

test('only what is needed is unpacked, recorded, found, and removed', async () => {
  const archive = await zipOf(LIBS);
  await indexWith(archive);
  const progress: [number, number | undefined][] = [];
  const folder = await install({
    startProgress:
      () =>
      (...now) =>
        progress.push(now),
  });
  expect(folder).toBe(engineFolder('openvino', machine()));
  expect(await readdir(join(folder, 'libs'))).toEqual(KEPT);
  expect(await readFile(join(folder, 'libs/libopenvino_c.so.2641'), 'utf8')).toBe('the C library');
  expect(await readFile(join(folder, 'licenses/LICENSE'), 'utf8')).toBe('Apache');
  expect(progress.at(-1)).toEqual([archive.length, archive.length]);
  expect(await installRecord('openvino', machine())).toEqual({
    name: 'openvino',
    version: '2026.4.1',
    file: FILE,
    sha256: sha256(archive),
    files: {
      ...Object.fromEntries(
        KEPT.map((name) => [`libs/${name}`, described(LIBS[`openvino/libs/${name}` as keyof typeof LIBS])]),
      ),
      'licenses/LICENSE': described('Apache'),
    },
  });
  expect(await readdir(join(cache, 'downloads'))).toEqual([]);
  const search = { ...machine(), from: [], systemFolders: [], run: async () => undefined };
  expect(await findOpenvino({}, search)).toMatchObject({ source: 'installed', version: '2026.4.1' });

  const requests = server!.requests.length;
  await install();
  expect(server!.requests.length).toBe(requests);

  expect(await removeEngine('openvino', machine())).toBe(true);
  expect(await removeEngine('openvino', machine())).toBe(false);
  expect(await leftOvers()).toEqual([]);
});

test.each([
  ['cut off', (path: string) => writeFile(path, 'c')],
  ['of other bytes', (path: string) => writeFile(path, 'tbB')],
  ['missing', (path: string) => rm(path)],
  ['without a record', (path: string) => rm(join(path, '../../install.json'))],
  ['with half a record', (path: string) => writeFile(join(path, '../../install.json'), '{"name": "open')],
  [
    'with a record that was changed',
    (path: string) =>
      writeFile(
        join(path, '../../install.json'),
        JSON.stringify({ name: 'openvino', version: OPENVINO_VERSION, file: FILE, sha256: '', files: {} }),
      ),
  ],
])('an engine that is %s is installed anew', async (_, damage) => {
  await indexWith(await zipOf(LIBS));
  const folder = await install();
  const record = await installRecord('openvino', machine());
  await damage(join(folder, 'libs/libtbb.so.12'));
  await install();
  expect(await readFile(join(folder, 'libs/libtbb.so.12'), 'utf8')).toBe('tbb');
  expect(await installRecord('openvino', machine())).toEqual(record);
  const { length } = server!.requests;
  await install();
  expect(server!.requests).toHaveLength(length);
});

test('the tested release is taken by its known content alone, whatever the index says', async () => {
  const archive = await zipOf(LIBS);
  await indexWith(archive);
  const tested = (known?: Record<string, string>) => installOpenvino(known ? { known } : {}, machine());
  await expect(tested()).rejects.toThrow(/no wheel of openvino 2026\.4\.1 .* whose content is known here/);
  await expect(tested({ [FILE]: 'f'.repeat(64) })).rejects.toThrow(
    /says that openvino-2026\S+ has the sha256 [0-9a-f]{64}; the one of its release is f{64}/,
  );
  await expect(install({ known: { [FILE.replace('cp312-cp312', 'cp313-cp313')]: 'f' } })).rejects.toThrow(
    /whose content is known here/,
  );
  expect(await leftOvers()).toEqual([]);
  await tested({ [FILE]: sha256(archive) });
  expect(await installRecord('openvino', machine())).toMatchObject({ sha256: sha256(archive) });
});

test('a hash that is known serves where the index gives none', async () => {
  const archive = await zipOf(LIBS);
  await indexWith(archive, { hashes: {} });
  await installOpenvino({ known: { [FILE]: sha256(archive) } }, machine());
  await server!.close();
  await indexWith(await zipOf({ ...LIBS, 'openvino/libs/libtbb.so.12': 'evil' }), { hashes: {} });
  await removeEngine('openvino', machine());
  await expect(installOpenvino({ known: { [FILE]: sha256(archive) } }, machine())).rejects.toThrow(
    /has the sha256/,
  );
});

test('a page of HTML (PEP 503), relative addresses, the newest of a range, credentials for the index', async () => {
  const archive = await zipOf(LIBS);
  const anchor = (version: string, more = '') =>
    `<a href="../../files/${version}.whl?a=1&amp;b=2#sha256=${sha256(archive)}" ${more}>openvino-${version}-1-cp312-cp312-manylinux_2_5_x86_64.whl</a><br/>`;
  server = await serve({
    '/simple/openvino/': html(
      `<!DOCTYPE html><html><body>${anchor('2026.3.9')}${anchor('2026.3.10')}${anchor('2026.3.11', 'data-yanked="broken"')}${anchor('2026.3.12rc1')}${anchor('2026.30.0')}</body></html>`,
    ),
    '/files/2026.3.10.whl?a=1&b=2': bytes(archive),
  });
  const surroundings = machine();
  surroundings.env.PIP_INDEX_URL = `${server.url.replace('http://', 'http://me:p%40ss@')}/simple`;
  await installOpenvino({ version: '2026.3', known: {} }, surroundings);
  expect((await installRecord('openvino', surroundings))?.version).toBe('2026.3.10');
  const basic = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([basic, basic]);
});

test('through a proxy, from an index whose certificate pip is told to trust', async () => {
  const certificate = selfSigned();
  await indexWith(await zipOf(LIBS), {}, certificate);
  const trusted = join(cache, 'authority.pem');
  await writeFile(trusted, certificate.cert);
  const proxy = await startProxy();
  try {
    Object.assign(process.env, { https_proxy: proxy.url, no_proxy: '' });
    const surroundings = machine();
    Object.assign(surroundings.env, { PIP_CERT: trusted });
    await installOpenvino({ version: OPENVINO_VERSION, known: {} }, surroundings);
    expect(await installRecord('openvino', surroundings)).toMatchObject({ version: '2026.4.1' });
    expect(new Set(proxy.led)).toEqual(new Set([new URL(server!.url).host]));
  } finally {
    delete process.env.https_proxy;
    delete process.env.no_proxy;
    await proxy.close();
  }
});

test('a broken connection is taken up', async () => {
  const archive = await zipOf(LIBS);
  await indexWith(archive);
  const half = Math.floor(archive.length / 2);
  const ranges: (string | undefined)[] = [];
  const whole = server!;
  server = await serve({
    '/simple/openvino/': json({
      files: [{ filename: FILE, url: '/breaks', size: archive.length, hashes: { sha256: sha256(archive) } }],
    }),
    '/breaks': ({ headers: { range } }, response) => {
      ranges.push(range);
      if (range === undefined) {
        response.setHeader('content-length', archive.length);
        response.write(archive.subarray(0, half), () => setTimeout(() => response.destroy(), 50));
      } else {
        const from = Number(/^bytes=(\d+)-$/.exec(range)![1]);
        response.writeHead(206, { 'content-range': `bytes ${from}-${archive.length - 1}/${archive.length}` });
        response.end(archive.subarray(from));
      }
    },
  });
  await whole.close();
  await install();
  expect(ranges).toEqual([undefined, `bytes=${half}-`]);
});

describe('what goes wrong leaves no trace', () => {
  test.each<[string, RegExp, () => Promise<void>]>([
    [
      'another hash',
      /has the sha256 [0-9a-f]{64}, but the index says 0{64}/,
      async () => indexWith(await zipOf(LIBS), { hashes: { sha256: '0'.repeat(64) } }),
    ],
    ['no hash', /no sha256 for openvino-2026/, async () => indexWith(await zipOf(LIBS), { hashes: {} })],
    [
      'fewer bytes than announced',
      /has \d+ bytes; expected 99999\./,
      async () => indexWith(await zipOf(LIBS), { size: 99999 }),
    ],
    [
      'more bytes than announced',
      /has \d+ bytes; expected 10\./,
      async () => indexWith(await zipOf(LIBS), { size: 10 }),
    ],
    [
      'too large a file',
      /at most 536870912 were expected/,
      async () => indexWith(await zipOf(LIBS), { size: 1e12 }),
    ],
    [
      'no such version',
      /no openvino 2026\.4\.1 for linux x64.*It has for it: 2025\.1\.0\./,
      async () =>
        indexWith(await zipOf(LIBS), {
          filename: 'openvino-2025.1.0-1-cp312-cp312-manylinux_2_5_x86_64.whl',
        }),
    ],
    [
      'no file for this machine',
      /none for it in any version/,
      async () =>
        indexWith(await zipOf(LIBS), { filename: FILE.replace('manylinux_2_5_x86_64', 'win_amd64') }),
    ],
    [
      'no such project',
      /answered 404/,
      async () => {
        server = await serve({});
      },
    ],
    [
      'no wheel inside',
      /holds no OpenVINO C library/,
      async () => indexWith(await zipOf({ 'openvino/a': '1' })),
    ],
    [
      'no zip file',
      /signature/i,
      async () => indexWith(Buffer.from('not a zip file, but long enough to be one'.repeat(3))),
    ],
    [
      'a name that leads out',
      /invalid relative path/,
      async () =>
        indexWith(
          renamed(
            await zipOf({ ...LIBS, 'openvino/libs/a/libtbb.so.12': 'x' }),
            'openvino/libs/a/libtbb.so.12',
            '../../../../../../tmp/a.so.1',
          ),
        ),
    ],
    [
      'an absolute name',
      /absolute path/,
      async () =>
        indexWith(
          renamed(
            await zipOf({ ...LIBS, 'openvino/libs/libtbb.so.2': 'x' }),
            'openvino/libs/libtbb.so.2',
            '/penvino/libs/libtbb.so.2',
          ),
        ),
    ],
    ['a link', /no plain file/, async () => indexWith(await zipOf(LIBS, 0o120777))],
    [
      'one file twice',
      /EEXIST/,
      async () =>
        indexWith(
          renamed(
            await zipOf({ ...LIBS, 'openvino/libs/libtbb.so.99': 'x' }),
            'libtbb.so.99',
            'libtbb.so.12',
          ),
        ),
    ],
    [
      'a server that is not there',
      /Cannot fetch http:\/\/127\.0\.0\.1/,
      async () => {
        await indexWith(await zipOf(LIBS));
        await server!.close();
      },
    ],
    [
      'a connection that breaks',
      /terminated|other side closed|ended after/,
      async () => {
        const archive = await zipOf(LIBS);
        await indexWith(archive);
        const { url } = server!;
        const broken = await serve({
          '/simple/openvino/': json({
            files: [
              { filename: FILE, url: '/broken', size: archive.length, hashes: { sha256: sha256(archive) } },
            ],
          }),
          '/broken': (_, response) => {
            response.setHeader('content-length', archive.length);
            response.write(archive.subarray(0, 100), () => response.destroy());
          },
        });
        await server!.close();
        expect(broken.url).not.toBe(url);
        server = broken;
      },
    ],
  ])('%s', async (_, message, prepare) => {
    await prepare();
    await expect(install()).rejects.toThrow(message);
    expect(await leftOvers()).toEqual([]);
  });

  test('an interruption during the download; the old version stays', async () => {
    await indexWith(await zipOf(LIBS));
    const old = await install();
    await writeFile(join(old, 'libs', 'mine'), 'untouched');
    await server!.close();
    const archive = await zipOf(LIBS);
    server = await serve({
      '/simple/openvino/': json({
        files: [
          {
            filename: FILE.replace('2026.4.1', '2026.5.0'),
            url: '/slow',
            size: archive.length,
            hashes: { sha256: sha256(archive) },
          },
        ],
      }),
      '/slow': (_, response) => {
        response.setHeader('content-length', archive.length);
        response.write(archive.subarray(0, 100));
      },
    });
    const controller = new AbortController();
    const before = await everything();
    await expect(
      install({
        version: '2026.5.0',
        signal: controller.signal,
        startProgress: () => () => controller.abort(new Error('Interrupted')),
      }),
    ).rejects.toThrow('Interrupted');
    expect(await everything()).toEqual(before);
  });
});
