import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOpenvino, type OpenvinoSearch } from '../src';
import { touchIn } from './touchIn';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'beit-find-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const touch = (...paths: string[]) => touchIn(root, paths);

function machine(changes: Partial<OpenvinoSearch> = {}): OpenvinoSearch {
  return {
    platform: 'linux',
    arch: 'x64',
    home: root,
    env: { BEIT_CACHE: join(root, 'cache') },
    from: [join(root, 'project/deep')],
    systemFolders: [join(root, 'usr/lib')],
    run: async () => undefined,
    ...changes,
  };
}

const PLACES = {
  installed: 'cache/engines/openvino/libs/libopenvino_c.so.2641',
  node: 'project/node_modules/openvino-node/bin/libopenvino_c.so.2630',
  venv: 'venv/lib/python3.12/site-packages/openvino/libs/libopenvino_c.so.2620',
  conda: 'conda/lib/libopenvino_c.so.2610',
  python: 'python/openvino/libs/libopenvino_c.so.2600',
  linked: 'linked/libopenvino_c.so.2540',
  system: 'usr/lib/libopenvino_c.so.2530',
};

test('from the most to the least particular place', async () => {
  await touch(...Object.values(PLACES), 'mine/openvino/libs/libopenvino_c.so.2641');
  const search = machine({
    env: {
      BEIT_CACHE: join(root, 'cache'),
      BEIT_OPENVINO: join(root, 'mine'),
      VIRTUAL_ENV: join(root, 'venv'),
      CONDA_PREFIX: join(root, 'conda'),
    },
    async run(program) {
      if (program === 'python3') return `${join(root, 'nothing')}\n${join(root, 'python')}\n`;
      if (program === 'ldconfig')
        return `\tlibopenvino_c.so.2540 (libc6,x86-64) => ${join(root, PLACES.linked)}\n\tlibc.so.6 (libc6) => /lib/libc.so.6\n`;
      return undefined;
    },
  });
  expect(await findOpenvino({}, search)).toEqual({
    library: join(root, 'mine/openvino/libs/libopenvino_c.so.2641'),
    folder: join(root, 'mine/openvino/libs'),
    source: 'folder',
    version: '2026.4.1',
  });
  expect((await findOpenvino({ folder: join(root, 'usr') }, search))?.library).toBe(
    join(root, PLACES.system),
  );

  const { BEIT_OPENVINO: _, ...env } = search.env;
  const found: (readonly [string, string | undefined])[] = [];
  for (const place of Object.values(PLACES)) {
    const location = await findOpenvino({}, { ...search, env });
    expect(location?.library).toBe(join(root, place));
    found.push([location!.source, location!.version]);
    await rm(join(root, place));
    // Without its folder nobody installed it.
    await rm(join(root, 'cache'), { recursive: true, force: true });
  }
  expect(found).toEqual([
    ['installed', '2026.4.1'],
    ['openvino-node', '2026.3.0'],
    ['python', '2026.2.0'],
    ['python', '2026.1.0'],
    ['python', '2026.0.0'],
    ['system', '2025.4.0'],
    ['system', '2025.3.0'],
  ]);
  expect(await findOpenvino({}, { ...search, env })).toBeUndefined();
});

test('what was installed and has lost its library is not passed over', async () => {
  await touch('cache/engines/openvino/libs/libtbb.so.12', PLACES.python);
  await expect(findOpenvino({}, machine())).rejects.toThrow(
    /install\.json is missing or damaged.*npx @beit\/engines install openvino/,
  );
});

test('an explicit folder without the library is an error that says what was expected', async () => {
  await touch(PLACES.installed, 'mine/libopenvino.so');
  const folder = join(root, 'mine');
  await expect(findOpenvino({ folder }, machine())).rejects.toThrow(
    /no OpenVINO C library \(libopenvino_c\.so\) in .*mine, nor in its libs,.*where the option says.*npx @beit\/engines/,
  );
  await expect(findOpenvino({}, machine({ env: { BEIT_OPENVINO: folder } }))).rejects.toThrow(
    /BEIT_OPENVINO says/,
  );
});

test.each([
  ['darwin', 'libopenvino_c.2641.dylib', '2026.4.1'],
  ['darwin', 'libopenvino_c.dylib', undefined],
  ['win32', 'openvino_c.dll', undefined],
  ['linux', 'libopenvino_c.so', undefined],
] as const)('%s: %s', async (platform, file, version) => {
  await touch(`usr/lib/${file}`, 'usr/lib/libopenvino.so.2641', 'usr/lib/libopenvino_c.txt');
  const location = await findOpenvino({}, machine({ platform }));
  expect([location?.library, location?.version]).toEqual([join(root, 'usr/lib', file), version]);
});
