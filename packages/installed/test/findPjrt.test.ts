import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPjrt, findPjrtPlugins, PJRT_DEVICES, type PjrtSearch } from '../src';
import { parseNvidiaDriver } from '../src/surroundings';
import { touchIn } from './touchIn';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'beit-find-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const touch = (...paths: string[]) => touchIn(root, paths);

/** A machine with a GPU of NVIDIA, and without plugins. */
const machine = ({ env, ...changes }: Partial<PjrtSearch> = {}): PjrtSearch => ({
  platform: 'linux',
  arch: 'x64',
  home: root,
  env: { BEIT_CACHE: join(root, 'cache'), ...env },
  devices: ['cuda', 'cpu'],
  run: async () => undefined,
  ...changes,
});

const PACKAGES = 'lib/python3.12/site-packages';
const CPU = 'lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so';
const CUDA_12 = 'jax_plugins/xla_cuda12/xla_cuda_plugin.so';
const CUDA_13 = 'jax_plugins/xla_cuda13/xla_cuda_plugin.so';
const TPU = 'libtpu/libtpu.so';
const ROCM = 'jax_plugins/xla_rocm7/xla_rocm_plugin.so';

test('what is given, what was installed, the active environments, python3’s', async () => {
  const places = {
    given: `mine/${CPU}`,
    installed: `cache/engines/xla-cpu/lib/python3/site-packages/${CPU}`,
    venv: `venv/${PACKAGES}/${CPU}`,
    conda: `conda/${PACKAGES}/${CPU}`,
    python: `python/${CPU}`,
  };
  await touch(...Object.values(places), `venv/${PACKAGES}/lammps_jax_pjrt_cpu-0.11.2.dist-info/METADATA`);
  const asked: string[] = [];
  const env = {
    BEIT_CACHE: join(root, 'cache'),
    VIRTUAL_ENV: join(root, 'venv'),
    CONDA_PREFIX: join(root, 'conda'),
  };
  const search = machine({
    env,
    run: async (program) => {
      asked.push(program);
      return `${join(root, 'nothing')}\n${join(root, 'python')}\n`;
    },
  });
  const all = await findPjrtPlugins({ ...search, env: { ...env, BEIT_PJRT: join(root, 'mine') } });
  expect(all.map(({ library, source }) => [library, source])).toEqual([
    [join(root, places.given), 'given'],
    [join(root, places.installed), 'installed'],
    [join(root, places.venv), 'python'],
    [join(root, places.conda), 'python'],
    [join(root, places.python), 'python'],
  ]);
  expect(all[2]).toEqual({
    library: join(root, places.venv),
    device: 'cpu',
    source: 'python',
    version: '0.11.2',
    ready: true,
    preload: [],
    env: {},
  });
  asked.length = 0;
  for (const place of Object.values(places).slice(1)) {
    expect((await findPjrt({ device: 'cpu' }, search))?.library).toBe(join(root, place));
    await rm(join(root, place));
    // Without its folder nobody installed it.
    await rm(join(root, 'cache'), { recursive: true, force: true });
  }
  // Python is asked only where nothing else has one.
  expect(asked).toEqual(['python3']);
  expect(await findPjrt({ device: 'cpu' }, search)).toBeUndefined();
});

test('what was installed and has lost its plugin is not passed over, but where all are listed', async () => {
  await touch(`cache/engines/xla-cuda/${PACKAGES}/libcudart.so.13`, `venv/${PACKAGES}/${CPU}`);
  const search = machine({ env: { VIRTUAL_ENV: join(root, 'venv') } });
  await expect(findPjrt({}, search)).rejects.toThrow(
    /install\.json is missing or damaged.*npx @beit\/engines install xla --cuda/,
  );
  expect(await findPjrt({ device: 'cpu' }, search)).toMatchObject({ source: 'python' });
  expect(await findPjrtPlugins(search)).toHaveLength(1);
});

test('the best device that the machine shows; another one where it is asked for', async () => {
  const at = (file: string) => `venv/${PACKAGES}/${file}`;
  await touch(...[CPU, CUDA_12, CUDA_13, TPU, ROCM].map(at));
  const env = { VIRTUAL_ENV: join(root, 'venv') };
  const file = async (changes: Partial<PjrtSearch>, options = {}) =>
    (await findPjrt(options, machine({ env, ...changes })))?.library.slice(root.length + 1);
  expect(await file({})).toBe(at(CUDA_13));
  expect(await file({ devices: ['cpu', 'tpu', 'rocm'] })).toBe(at(ROCM));
  expect(await file({ devices: ['cpu'] })).toBe(at(CPU));
  expect(await file({ devices: ['cpu'] }, { device: 'cuda' })).toBe(at(CUDA_13));
  // What the driver can run, and none where it can run neither.
  expect(await file({ nvidiaDriver: '580.65.06' })).toBe(at(CUDA_13));
  expect(await file({ nvidiaDriver: '550.54.15' })).toBe(at(CUDA_12));
  expect(await file({ nvidiaDriver: '470.256.02' })).toBe(at(CPU));
  expect(await file({ nvidiaDriver: '470.256.02' }, { device: 'cuda' })).toBe(at(CUDA_13));

  const all = await findPjrtPlugins(machine({ env, nvidiaDriver: '550.54.15' }));
  expect(all.map(({ device, ready }) => [device, ready])).toEqual([
    ['cuda', false],
    ['cuda', true],
    ['rocm', false],
    ['tpu', false],
    ['cpu', true],
  ]);
});

test('what is to be done before CUDA’s and the TPU’s are loaded', async () => {
  const packages = join(root, 'venv', PACKAGES);
  const env = { VIRTUAL_ENV: join(root, 'venv') };
  const libraries = ['nvidia/cu13/lib/libcudart.so.13', 'nvidia/cudnn/lib/libcudnn.so.9'];
  await touch(...[CUDA_13, TPU, ...libraries].map((file) => `venv/${PACKAGES}/${file}`));
  expect(await findPjrt({}, machine({ env }))).toEqual({
    library: join(packages, CUDA_13),
    device: 'cuda',
    source: 'python',
    ready: true,
    preload: libraries.map((file) => join(packages, file)),
    env: {},
  });

  await touch(`venv/${PACKAGES}/nvidia/cu13/nvvm/libdevice/libdevice.10.bc`);
  const cudaData = join(packages, 'nvidia/cu13');
  const flag = `--xla_gpu_cuda_data_dir='${cudaData}'`;
  expect(await findPjrt({}, machine({ env }))).toMatchObject({ cudaData, env: { XLA_FLAGS: flag } });
  const withFlags = async (XLA_FLAGS: string) =>
    (await findPjrt({}, machine({ env: { ...env, XLA_FLAGS } })))?.env;
  expect(await withFlags('--xla_dump_to=/tmp')).toEqual({ XLA_FLAGS: `--xla_dump_to=/tmp ${flag}` });
  expect(await withFlags('--xla_gpu_cuda_data_dir=/mine')).toEqual({});
  expect(await withFlags('/file/of/flags')).toEqual({});

  const tpu = { device: 'tpu' } as const;
  const library = join(packages, TPU);
  expect(await findPjrt(tpu, machine({ env }))).toMatchObject({
    library,
    env: { TPU_LIBRARY_PATH: library },
  });
  const given = machine({ env: { ...env, TPU_LIBRARY_PATH: '/mine.so' } });
  expect((await findPjrt(tpu, given))?.env).toEqual({});
});

test('a plugin that is given: a file, the folder it is in, packages, an environment', async () => {
  await touch(`venv/${PACKAGES}/${CUDA_12}`, 'my/pjrt_cpu.so', 'my/plugin.so');
  const library = join(root, 'venv', PACKAGES, CUDA_12);
  for (const path of [CUDA_12, 'jax_plugins/xla_cuda12', '.', '../../..']) {
    const plugin = join(root, 'venv', PACKAGES, path);
    const expected = { library, device: 'cuda', source: 'given' };
    expect(await findPjrt({ plugin }, machine())).toMatchObject(expected);
    const search = machine({ env: { BEIT_PJRT: plugin } });
    expect(await findPjrt({}, search)).toMatchObject(expected);
    // The variable is for the device that its name tells.
    expect(await findPjrt({ device: 'cpu' }, search)).toBeUndefined();
  }
  expect(await findPjrt({ plugin: join(root, 'my/pjrt_cpu.so') }, machine())).toMatchObject({
    device: 'cpu',
  });
  const plugin = join(root, 'my/plugin.so');
  await expect(findPjrt({ plugin }, machine())).rejects.toThrow(
    /does not tell for which device.*cuda, rocm, tpu/,
  );
  expect(await findPjrt({ plugin, device: 'rocm' }, machine())).toEqual({
    library: plugin,
    device: 'rocm',
    source: 'given',
    ready: false,
    preload: [],
    env: {},
  });
});

test('a plugin that is given and is not there', async () => {
  await touch(`venv/${PACKAGES}/${CUDA_12}`);
  await expect(findPjrt({ plugin: join(root, 'my') }, machine())).rejects.toThrow(
    /no XLA plugin at .*my, where the option says it is.*xla_cuda_plugin\.so.*npx @beit\/engines install xla/,
  );
  await expect(findPjrt({ plugin: join(root, 'venv'), device: 'tpu' }, machine())).rejects.toThrow(
    /no XLA plugin for tpu at/,
  );
  await expect(findPjrt({}, machine({ env: { BEIT_PJRT: join(root, 'nowhere') } }))).rejects.toThrow(
    /nowhere, where BEIT_PJRT says it is/,
  );
});

test.each([
  ['NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024', '550.54.15'],
  ['NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build', '580.65.06'],
  ['GCC version: gcc 12', undefined],
])('%s', (text, version) => expect(parseNvidiaDriver(text)).toBe(version));

test('on this machine', async () => {
  for (const { device } of await findPjrtPlugins()) expect(PJRT_DEVICES).toContain(device);
});
