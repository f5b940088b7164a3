import { mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  checkpointFiles,
  type HubEnvironment,
  hubEnvironment,
  hubSnapshot,
  parquetFiles,
  parseHubName,
} from '../src/index';
import { COMMIT, etagOf, type HubServer, type HubServerOptions, hubServer } from './hubServer';

const NAME = parseHubName('owner/name', 'model')!;
const WEIGHTS = Uint8Array.from({ length: 100_000 }, (_, i) => i * 7);
const CONFIG = Buffer.from('{"model_type":"beit"}');
const FILES = { 'config.json': CONFIG, 'README.md': Buffer.from('# x'), 'model.safetensors': WEIGHTS };

let folder: string;
let server: HubServer | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hub-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

const serve = async (options: Partial<HubServerOptions> = {}): Promise<HubServer> => {
  server = await hubServer({ files: FILES, ...options });
  return server;
};
const environment = (more: Partial<HubEnvironment> = {}): HubEnvironment => ({
  // Nobody listens there, and fetch may ask.
  endpoint: server?.endpoint ?? 'http://127.0.0.1:2',
  cache: folder,
  offline: false,
  ...more,
});
const bring = (more: Partial<HubEnvironment> = {}, name = NAME) =>
  hubSnapshot(name, { select: checkpointFiles, environment: environment(more) });
const repository = () => join(folder, 'models--owner--name');

test('only what is needed, in the layout of Python', async () => {
  const { asked } = await serve();
  const { folder: snapshot, commit, paths } = await bring();
  expect([commit, paths]).toEqual([COMMIT, ['config.json', 'model.safetensors']]);
  expect(snapshot).toBe(join(repository(), 'snapshots', COMMIT));
  expect((await readdir(snapshot)).sort()).toEqual(['config.json', 'model.safetensors']);
  const pointer = join(snapshot, 'model.safetensors');
  expect(await readlink(pointer)).toBe(join('../../blobs', etagOf('model.safetensors', WEIGHTS)));
  expect(new Uint8Array(await readFile(pointer))).toEqual(WEIGHTS);
  expect(await readlink(join(snapshot, 'config.json'))).toBe(
    join('../../blobs', etagOf('config.json', CONFIG)),
  );
  expect((await readdir(join(repository(), 'blobs'))).length).toBe(2);
  expect(await readFile(join(repository(), 'refs/main'), 'utf8')).toBe(COMMIT);
  expect(asked()).toEqual([
    'GET /api/models/owner/name/revision/main?blobs=true',
    `GET /owner/name/resolve/${COMMIT}/config.json`,
    `GET /owner/name/resolve/${COMMIT}/model.safetensors`,
    'GET /model.safetensors',
  ]);
  await bring();
  expect(asked()).toEqual(['GET /api/models/owner/name/revision/main?blobs=true']);
});

test('two at once make the folders of a cache that is not there, and bring every file once', async () => {
  const { asked } = await serve();
  const cache = join(folder, 'not/yet/there');
  const both = await Promise.all([bring({ cache }), bring({ cache })]);
  for (const { folder: snapshot } of both)
    expect(new Uint8Array(await readFile(join(snapshot, 'model.safetensors')))).toEqual(WEIGHTS);
  expect(asked().filter((request) => request === 'GET /model.safetensors')).toHaveLength(1);
});

test('what Python left there is found', async () => {
  const { asked } = await serve();
  const blobs = join(repository(), 'blobs');
  const snapshot = join(repository(), 'snapshots', COMMIT);
  await mkdir(blobs, { recursive: true });
  await mkdir(snapshot, { recursive: true });
  for (const [path, content] of Object.entries(FILES)) {
    const etag = etagOf(path, content);
    await writeFile(join(blobs, etag), content);
    await symlink(join('../../blobs', etag), join(snapshot, path));
  }
  await bring();
  expect(asked()).toEqual(['GET /api/models/owner/name/revision/main?blobs=true']);
});

test('a token goes to the Hub alone; without it the error says what to do', async () => {
  const { tokens } = await serve({ token: 'secret' });
  await expect(bring()).rejects.toThrow(
    /Cannot read the model 'owner\/name' of the Hub: .* answered 401 .* does a token in HF_TOKEN open it\?/,
  );
  await bring({ token: 'secret' });
  expect(tokens.hub.slice(1)).toEqual(['Bearer secret', 'Bearer secret', 'Bearer secret']);
  expect(tokens.storage).toEqual([undefined]);
});

test('a revision, and a name that is not there', async () => {
  await serve();
  const { commit } = await bring({}, parseHubName(`owner/name@${COMMIT}`, 'model'));
  expect(commit).toBe(COMMIT);
  expect(await readdir(repository())).not.toContain('refs');
  const other = parseHubName('owner/other@dev', 'model')!;
  await expect(bring({}, other)).rejects.toThrow(/model 'owner\/other@dev' of the Hub: .*answered 404/);
});

test('what broke off is taken up, and what has another content is refused', async () => {
  const { asked } = await serve();
  server!.breakAfter = undefined;
  const small = hubSnapshot(NAME, { select: () => ['config.json'], environment: environment() });
  await small;
  asked();
  server!.breakAfter = 40_000;
  await bring();
  expect(asked()).toContain('GET /model.safetensors bytes=40000-');
  expect(
    new Uint8Array(await readFile(join(repository(), 'snapshots', COMMIT, 'model.safetensors'))),
  ).toEqual(WEIGHTS);
  await server!.close();
  await rm(repository(), { recursive: true });
  await serve({ damage: (content) => content.map((byte) => byte ^ 1) });
  await expect(bring()).rejects.toThrow(/has the sha256 [0-9a-f]{64}/);
  const snapshot = await readdir(join(repository(), 'snapshots', COMMIT));
  expect(snapshot).toEqual(['config.json']);
});

test('offline, and where the Hub cannot be reached, the cache is asked', async () => {
  await expect(bring({ offline: true })).rejects.toThrow(
    new RegExp(`'owner/name' of the Hub is not in the cache ${repository()}.*HF_HUB_OFFLINE is set`),
  );
  await serve();
  await bring();
  await server!.close();
  server = undefined;
  const reasons: string[] = [];
  const options = { select: checkpointFiles, onCache: (reason: string) => reasons.push(reason) };
  for (const offline of [true, false]) {
    const { paths } = await hubSnapshot(NAME, { ...options, environment: environment({ offline }) });
    expect(paths).toEqual(['config.json', 'model.safetensors']);
  }
  expect(reasons).toEqual(['HF_HUB_OFFLINE is set', expect.stringMatching(/Cannot fetch/)]);
});

test.each(['../../x', '/etc/passwd', 'a/../../x', 'a\\..\\x', 'C:x', '', 'a//b', './x', 3, null])(
  'a server cannot lead out of the cache: %p',
  async (rfilename) => {
    await serve({ listing: { sha: COMMIT, siblings: [{ rfilename, size: 1, blobId: COMMIT }] } });
    await expect(hubSnapshot(NAME, { select: (paths) => paths, environment: environment() })).rejects.toThrow(
      /no path below a repository/,
    );
    expect(await readdir(folder)).toEqual([]);
  },
);

test.each<[string, unknown, RegExp]>([
  ['no commit', { sha: '../x', siblings: [] }, /names no commit/],
  ['no files', { sha: COMMIT }, /lists no files/],
  [
    'a checksum that is a path',
    { sha: COMMIT, siblings: [{ rfilename: 'x', size: 1, blobId: '../x' }] },
    /no size or checksum/,
  ],
  [
    'a size that is none',
    { sha: COMMIT, siblings: [{ rfilename: 'x', size: -1, blobId: COMMIT }] },
    /no size or checksum/,
  ],
  ['no object', 3, /names no commit/],
])('%s is no listing', async (_, listing, message) => {
  await serve({ listing });
  await expect(bring()).rejects.toThrow(message);
});

test('names', () => {
  expect(parseHubName('microsoft/beit-base@v1.0', 'model')).toEqual({
    kind: 'model',
    id: 'microsoft/beit-base',
    revision: 'v1.0',
  });
  expect(parseHubName('hf:a/b@refs/pr/1', 'dataset')?.revision).toBe('refs/pr/1');
  for (const text of [
    'a',
    '/a/b',
    'a/b/c',
    '../b',
    './b',
    'a/..',
    'a--b/c',
    'a/b@../x',
    'a/b@x/../y',
    'a b/c',
    'a/b@',
    '',
  ])
    expect(parseHubName(text, 'model')).toBeUndefined();
});

test('what is read of a repository', () => {
  const rest = ['config.json', 'preprocessor_config.json', 'README.md', 'tf_model.h5'];
  expect(checkpointFiles([...rest, 'pytorch_model.bin', 'model.safetensors'])).toEqual([
    'config.json',
    'preprocessor_config.json',
    'model.safetensors',
  ]);
  const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  expect(checkpointFiles(['model.safetensors.index.json', ...shards, 'pytorch_model.bin'])).toEqual([
    'model.safetensors.index.json',
    ...shards,
  ]);
  expect(checkpointFiles(['pytorch_model.bin', 'other/model.safetensors'])).toEqual(['pytorch_model.bin']);
  expect(() => checkpointFiles(rest)).toThrow(/neither model\.safetensors.*tf_model\.h5/);

  const parquet = ['plain_text/test-00000-of-00001.parquet', 'plain_text/train-00000-of-00001.parquet'];
  expect(parquetFiles(['README.md', ...parquet])).toEqual(parquet);
  expect(parquetFiles(['default/train/0000.parquet', 'default/test/0000.parquet']).length).toBe(2);
  expect(() => parquetFiles(['a/train-0.parquet', 'b/train-0.parquet'])).toThrow(/configurations: a, b/);
  expect(() => parquetFiles(['data.zip'])).toThrow(
    /no Parquet files, but data\.zip.*@refs\/convert\/parquet/,
  );
});

test('the variables of Python', async () => {
  expect(await hubEnvironment({ HF_HOME: '/h', HF_ENDPOINT: 'http://x/', HF_TOKEN: 't' })).toEqual({
    endpoint: 'http://x',
    cache: join('/h', 'hub'),
    token: 't',
    offline: false,
  });
  await writeFile(join(folder, 'token'), 'of the file\n');
  expect(await hubEnvironment({ HF_HOME: folder, HF_HUB_CACHE: '/c', HF_HUB_OFFLINE: '1' })).toMatchObject({
    cache: '/c',
    token: 'of the file',
    offline: true,
  });
});
