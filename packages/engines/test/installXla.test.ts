import { execFile } from 'node:child_process';
import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  engineFolder,
  findPjrt,
  here,
  installRecord,
  PJRT_PLUGINS,
  type PjrtDevice,
  type Surroundings,
} from '@beit/installed';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { bytes, type FakeServer, serve } from '../../../tooling/servers/serve';
import { installXla, XLA_VERSIONS, type XlaInstallOptions } from '../src';
import { selectXlaFile } from '../src/installXla';
import { json, renamed, sha256, zipOf } from './fakeIndex';

let cache: string;
let server: FakeServer | undefined;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'beit-xla-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(cache, { recursive: true, force: true });
});

const machine = (changes: object = {}) => {
  const { nvidiaDriver: _, ...surroundings } = here();
  return {
    ...surroundings,
    platform: 'linux',
    arch: 'x64',
    glibc: [2, 31] as const,
    env: { BEIT_CACHE: cache, PIP_CONFIG_FILE: '/dev/null', PIP_INDEX_URL: `${server?.url}/simple/` },
    home: cache,
    ...changes,
  };
};

/** An index with these wheels, each of one version. */
async function indexWith(wheels: Readonly<Record<string, Buffer>>): Promise<void> {
  const pages = Object.entries(wheels).flatMap(([name, archive]) => {
    const filename = `${name}-py3-none-manylinux_2_27_x86_64.whl`;
    const project = name.slice(0, name.lastIndexOf('-')).replaceAll('_', '-');
    const hashes = { sha256: sha256(archive) };
    const files = [{ filename, url: `/files/${filename}`, size: archive.length, hashes }];
    return [
      [`/simple/${project}/`, json({ files })],
      [`/files/${filename}`, bytes(archive)],
    ] as const;
  });
  server = await serve(Object.fromEntries(pages));
}

const everything = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
const leftOvers = async () =>
  (await readdir(cache, { recursive: true })).filter((name) => !['downloads', 'engines'].includes(name));

const CUDA = Object.fromEntries(
  PJRT_PLUGINS.flatMap(({ cuda }) => (cuda ? [[`cuda${cuda.release}`, cuda] as const] : [])),
);
const requires = (lines: readonly string[]) =>
  ['Metadata-Version: 2.4', 'Name: a', ...lines.map((line) => `Requires-Dist: ${line}`)].join('\n');

/** The wheels of CUDA 13 as PyPI has them, in small: one for the plugin, one for what it requires, two for libraries. */
async function cuda13(changes: Readonly<Record<string, string>> = {}) {
  const { libraries, data } = CUDA.cuda13!;
  const files = Object.fromEntries(libraries.map((file) => [file, 'library']));
  return {
    'jax_cuda13_pjrt-0.11.2': await zipOf({
      'jax_plugins/xla_cuda13/__init__.py': 'raise SystemExit',
      'jax_plugins/xla_cuda13/xla_cuda_plugin.so': 'plugin',
      'jax_cuda13_pjrt-0.11.2.dist-info/METADATA': requires([]),
      ...changes,
    }),
    'jax_cuda13_plugin-0.11.2': await zipOf({
      'jax_cuda13_plugin/_solver.so': 'for Python',
      'jax_cuda13_plugin-0.11.2.dist-info/METADATA': requires([
        'jax-cuda13-pjrt==0.11.2',
        'nvidia-all>=13.0.48; sys_platform == "linux" and extra == "with-cuda"',
        'nvidia-cusolver>=12.0; sys_platform == "linux" and extra == "with-cuda"',
        'nvidia-nvvm; extra == "with-cuda"',
      ]),
    }),
    'nvidia_all-13.5.37': await zipOf(
      {
        ...files,
        'nvidia/cu13/include/cuda.h': 'header',
        'nvidia/cu13/lib/libcudart_static.a': 'static',
        'nvidia/cu13/bin/nvcc': 'compiler',
        [`${data}/bin/ptxas`]: 'assembler',
        'nvidia_all-13.5.37.dist-info/licenses/License.txt': 'terms',
      },
      0o100755,
    ),
    'nvidia_nvvm-13.5.37': await zipOf({ [`${data}/nvvm/libdevice/libdevice.10.bc`]: 'bitcode' }),
  };
}

/** Of releases that no one knows. */
const install = ({ device = 'cpu', ...options }: XlaInstallOptions, surroundings: Surroundings) =>
  installXla({ device, version: XLA_VERSIONS[device], known: {}, ...options }, surroundings);

test('a plugin for CPUs: kept, recorded, found, and not fetched twice', async () => {
  const archive = await zipOf({
    'lammps_jax_pjrt_cpu/__init__.py': 'raise SystemExit',
    'lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so': 'plugin',
    'lammps_jax_pjrt_cpu-0.11.2.dist-info/METADATA': requires(['jax<=0.11.2']),
    'lammps_jax_pjrt_cpu-0.11.2.dist-info/licenses/LICENSE': 'Apache',
  });
  await indexWith({ 'lammps_jax_pjrt_cpu-0.11.2': archive });
  const folder = await install({}, machine());
  expect(folder).toBe(engineFolder('xla-cpu', machine()));
  expect(await everything(folder)).toEqual([
    'install.json',
    'lib/python3/site-packages/lammps_jax_pjrt_cpu-0.11.2.dist-info/METADATA',
    'lib/python3/site-packages/lammps_jax_pjrt_cpu-0.11.2.dist-info/licenses/LICENSE',
    'lib/python3/site-packages/lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so',
  ]);
  expect(await installRecord('xla-cpu', machine())).toEqual({
    name: 'xla-cpu',
    version: '0.11.2',
    file: 'lammps_jax_pjrt_cpu-0.11.2-py3-none-manylinux_2_27_x86_64.whl',
    sha256: sha256(archive),
    files: expect.objectContaining({
      'lib/python3/site-packages/lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so': {
        bytes: 6,
        sha256: sha256(Buffer.from('plugin')),
      },
    }),
  });
  const search = { ...machine(), devices: [], run: async () => undefined };
  expect(await findPjrt({ device: 'cpu' }, search)).toMatchObject({
    library: join(folder, 'lib/python3/site-packages/lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so'),
    source: 'installed',
    version: '0.11.2',
  });
  const requests = server!.requests.length;
  await install({}, machine());
  expect(server!.requests.length).toBe(requests);
});

test('CUDA 13 with what its package requires, laid out so that the plugin finds it', async () => {
  await indexWith(await cuda13());
  const messages: string[] = [];
  const onMessage = (text: string) => messages.push(text);
  const folder = await install({ device: 'cuda', onMessage }, machine());
  expect(messages[0]).toMatch(/No driver of NVIDIA is loaded here; CUDA 13 needs 580 or newer/);
  const packages = join(folder, 'lib/python3/site-packages');
  expect(await everything(packages)).toEqual(
    [
      ...CUDA.cuda13!.libraries,
      'jax_cuda13_pjrt-0.11.2.dist-info/METADATA',
      'jax_plugins/xla_cuda13/xla_cuda_plugin.so',
      'nvidia/cu13/bin/ptxas',
      'nvidia/cu13/nvvm/libdevice/libdevice.10.bc',
      'nvidia_all-13.5.37.dist-info/licenses/License.txt',
    ].sort(),
  );
  expect((await stat(join(packages, 'nvidia/cu13/bin/ptxas'))).mode & 0o111).not.toBe(0);
  expect(await readdir(folder)).toEqual(['install.json', 'lib']);
  const search = { ...machine(), devices: ['cuda'] as const, run: async () => undefined };
  expect(await findPjrt({}, search)).toMatchObject({
    version: '0.11.2',
    preload: CUDA.cuda13!.libraries.map((file) => join(packages, file)),
    cudaData: join(packages, 'nvidia/cu13'),
  });

  // The other CUDA takes its place, of which this index has nothing.
  await expect(install({ device: 'cuda', cuda: 12 }, machine())).rejects.toThrow(/jax.cuda12.pjrt.*404/);
  expect((await installRecord('xla-cuda', machine()))?.file).toMatch(/^jax_cuda13_pjrt/);
});

describe('what the driver can run', () => {
  const wants = async (nvidiaDriver: string | undefined, cuda?: 12 | 13) => {
    server ??= await serve({});
    const changes = nvidiaDriver === undefined ? {} : { nvidiaDriver };
    // The index has nothing: what is asked for first tells the choice.
    return install({ device: 'cuda', ...(cuda && { cuda }) }, machine(changes));
  };

  test.each([
    ['580.65.06', undefined, /cuda13/],
    ['575.57.08', undefined, /cuda12/],
    ['525.60.13', undefined, /cuda12/],
    ['580.65.06', 12, /cuda12/],
    [undefined, undefined, /cuda13/],
    [undefined, 12, /cuda12/],
  ] as const)('driver %s, asked for %s', async (driver, cuda, message) => {
    await expect(wants(driver, cuda)).rejects.toThrow(message);
  });

  test('too old', async () => {
    await expect(wants('575.57.08', 13)).rejects.toThrow(
      "CUDA 13 needs NVIDIA's driver 580 or newer, and this machine has 575.57.08. Take --cuda12, or update the driver.",
    );
    await expect(wants('470.256.02')).rejects.toThrow(
      "CUDA 12 needs NVIDIA's driver 525 or newer, and this machine has 470.256.02. Update the driver.",
    );
    expect(server!.requests).toEqual([]);
    expect(await leftOvers()).toEqual([]);
  });
});

test.each<[PjrtDevice, object, RegExp]>([
  [
    'cuda',
    { platform: 'darwin', arch: 'arm64' },
    /for cuda is there for Linux on x64 and arm64.*darwin arm64/,
  ],
  [
    'cpu',
    { platform: 'win32' },
    /for cpu is there for Linux on x64 only; this is win32 x64.*install openvino/,
  ],
  ['cpu', { arch: 'arm64' }, /this is linux arm64/],
  ['tpu', { arch: 'arm64' }, /this is linux arm64/],
])('%s on %j is refused before anything is fetched', async (device, changes, message) => {
  await expect(install({ device }, machine(changes))).rejects.toThrow(message);
  expect(await readdir(cache)).toEqual([]);
});

test('aarch64 has wheels of its own', async () => {
  await indexWith(await cuda13());
  await expect(install({ device: 'cuda' }, machine({ arch: 'arm64' }))).rejects.toThrow(
    /no jax_cuda13_pjrt 0\.11\.2 for linux arm64 with glibc 2\.31\. It has none for it in any version/,
  );
});

describe('what goes wrong leaves no trace', () => {
  const wheels = cuda13();
  const plugin = 'jax_cuda13_pjrt-0.11.2';
  const python = 'jax_cuda13_plugin-0.11.2';
  test.each<[string, RegExp, () => Promise<Record<string, Buffer>>]>([
    [
      'no plugin in its wheel',
      /jax_cuda13_pjrt.* hold no jax_plugins\/xla_cuda13\/xla_cuda_plugin\.so where it was expected/,
      async () => ({ ...(await wheels), [plugin]: await zipOf({ 'jax_plugins/xla_cuda13/other.so': '1' }) }),
    ],
    [
      'libraries in other places',
      /hold no nvidia\/cu13\/lib\/libcudart\.so\.13, .*nvidia\/cu13\/bin\/ptxas where/,
      async () => ({
        ...(await wheels),
        'nvidia_all-13.5.37': await zipOf({ 'nvidia/cu99/lib/liba.so.1': '1' }),
      }),
    ],
    [
      'a package without the extra',
      /jax_cuda13_plugin 0\.11\.2 names no libraries \(its extra 'with-cuda'\)/,
      async () => ({
        ...(await wheels),
        [python]: await zipOf({ 'a.dist-info/METADATA': requires(['a; extra == "other"']) }),
      }),
    ],
    [
      'a package without metadata',
      /names no libraries/,
      async () => ({ ...(await wheels), [python]: await zipOf({ 'a.py': '' }) }),
    ],
    [
      'a requirement that is none',
      /'=>1' is no version/,
      async () => ({
        ...(await wheels),
        [python]: await zipOf({ 'a.dist-info/METADATA': requires(['nvidia-all=>1; extra == "with-cuda"']) }),
      }),
    ],
    [
      'a requirement that the index lacks',
      /nvidia-lost.*404/,
      async () => ({
        ...(await wheels),
        [python]: await zipOf({ 'a.dist-info/METADATA': requires(['nvidia-lost; extra == "with-cuda"']) }),
      }),
    ],
    [
      'two wheels that have one file',
      /EEXIST/,
      async () => ({
        ...(await wheels),
        'nvidia_nvvm-13.5.37': await zipOf({ 'jax_plugins/xla_cuda13/xla_cuda_plugin.so': 'another' }),
      }),
    ],
    [
      'two versions of metadata',
      /EEXIST/,
      async () => ({
        ...(await wheels),
        [python]: await zipOf({ 'a.dist-info/METADATA': 'Name: a', 'b.dist-info/METADATA': 'Name: b' }),
      }),
    ],
    [
      'a name that leads out',
      /invalid relative path/,
      async () => ({
        ...(await wheels),
        'nvidia_nvvm-13.5.37': renamed(
          await zipOf({ 'nvidia/cu13/lib/liba.so.1': '1' }),
          'nvidia/cu13/lib/liba.so.1',
          '../../../../../tmp/a.so.1',
        ),
      }),
    ],
    [
      'a link',
      /no plain file/,
      async () => ({
        ...(await wheels),
        'nvidia_nvvm-13.5.37': await zipOf({ 'nvidia/cu13/bin/ptxas': '/bin/sh' }, 0o120777),
      }),
    ],
  ])('%s', async (_, message, prepare) => {
    await indexWith(await prepare());
    await expect(install({ device: 'cuda' }, machine())).rejects.toThrow(message);
    expect(await leftOvers()).toEqual([]);
  });
});

test('what is kept of the wheels', () => {
  const packages = 'lib/python3/site-packages';
  const kept = [
    ...PJRT_PLUGINS.flatMap(({ file, cuda }) => [file, ...(cuda?.libraries ?? [])]),
    'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc',
    'nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.12.9',
    'nvidia/cudnn/lib/libcudnn_engines_precompiled.so.9',
    'nvidia_cufft-12.5.0.14.dist-info/licenses/License.txt',
    'libtpu-0.0.48.1.dist-info/METADATA',
    'libtpu/SDK_THIRD_PARTY_NOTICES.txt',
  ];
  for (const name of kept) expect(selectXlaFile(name)).toBe(`${packages}/${name}`);
  // Intel's wheels have them where an environment has its own libraries.
  expect(selectXlaFile('mkl-2025.1.0.data/data/lib/libmkl_core.so.2')).toBe('lib/libmkl_core.so.2');
  for (const name of [
    'nvidia/cu13/bin/nvcc',
    'nvidia/cu13/lib/libcudart_static.a',
    'nvidia/cu13/lib/libcufftw.so.12',
    'nvidia/cuda_nvrtc/lib/libnvrtc.alt.so.12',
    'nvidia/cuda_nvrtc/lib/libnvrtc-builtins.alt.so.12.9',
    'nvidia/../lib/liba.so',
    'nvidia/cudnn/include/cudnn.h',
    'jax_plugins/xla_cuda13/__init__.py',
    'libtpu/sdk.so',
    'impi_rt-2021.15.0.data/data/lib/libmpi.so.12.0.0',
    'impi_rt-2021.15.0.data/data/lib/mpi/libmpi_ze_hooks.so',
    'intel_opencl_rt-2025.1.1.data/data/lib/libintelocl.so',
    'a.data/data/lib/../liba.so',
  ]) {
    expect(selectXlaFile(name)).toBeUndefined();
  }
});

/** The libraries that the dynamic linker does not find for a file. */
async function missingFor(file: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ldd', [file]);
  return [...stdout.matchAll(/^\s*(\S+) => not found$/gm)].map((match) => match[1]!);
}

whereInstalled('XLA', () => {
  test('the plugin for CPUs needs nothing that is not here', async () => {
    const { library, version } = (await findPjrt({ device: 'cpu' }))!;
    expect(version).toBe(XLA_VERSIONS.cpu);
    expect(await missingFor(library)).toEqual([]);
  });
});

whereInstalled('XLA for NVIDIA GPUs', () => {
  test('every library of the plugin is there, but for the driver’s', async () => {
    const { library, preload, cudaData } = (await findPjrt({ device: 'cuda' }))!;
    expect(preload.length).toBe(CUDA.cuda13!.libraries.length);
    const missing = new Set(await missingFor(library));
    for (const folder of new Set(preload.map(dirname))) {
      for (const name of await readdir(folder)) {
        for (const lost of await missingFor(join(folder, name))) missing.add(lost);
      }
    }
    expect([...missing]).toEqual(['libcuda.so.1']);
    const { stdout } = await promisify(execFile)(join(cudaData!, 'bin/ptxas'), ['--version']);
    expect(stdout).toMatch(/NVIDIA/);
  });

  test('the plugin looks for what it opens by name where it is', async () => {
    const { library, preload, cudaData } = (await findPjrt({ device: 'cuda' }))!;
    const plugin = await open(library);
    // The names are at the beginning, before the code.
    const { buffer } = await plugin.read(Buffer.alloc(16 * 2 ** 20));
    await plugin.close();
    const packages = join(dirname(library), '../..');
    // These two are its libraries' own, which look for them where they are.
    const own = preload.filter((path) => !/nvrtc|nvjitlink/i.test(path));
    for (const folder of new Set(own.map(dirname))) {
      expect(buffer.includes(`$ORIGIN/../..${folder.slice(packages.length)}`)).toBe(true);
    }
    expect(await readdir(join(cudaData!, 'nvvm/libdevice'))).toEqual(['libdevice.10.bc']);
  });
});
