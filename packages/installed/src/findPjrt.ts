import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { assertUndamaged } from './engineDamage';
import { engineFolder, isThere } from './installedEngine';
import { driverFits, PJRT_DEVICES, PJRT_PLUGINS, type PjrtDevice, type PjrtPlugin } from './pjrtPlugins';
import { activeEnvironments, type Machine, namesIn, pythonPath, run, sitePackages } from './python';
import { here, type Surroundings } from './surroundings';

/** Where a PJRT plugin is, and what is to be done before it is loaded. */
export interface PjrtLocation {
  /** The plugin's path: `.../xla_cuda_plugin.so`. */
  readonly library: string;
  readonly device: PjrtDevice;
  /** Who put it there: the one who named it, `beit-engine`, or a Python package. */
  readonly source: 'given' | 'installed' | 'python';
  /** Of its package; unknown for a file alone. */
  readonly version?: string;
  /** Whether this machine shows such a device, with a driver that is new enough as far as that is known. */
  readonly ready: boolean;
  /** Libraries to load before it, in this order; the plugin, and what it loads, ask for them by name. */
  readonly preload: readonly string[];
  /** Variables of the environment to set before it is loaded; what the user has set is kept. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder of CUDA's `bin/ptxas` and `nvvm/libdevice`, where it is known; in `env` too. */
  readonly cudaData?: string;
}

/** What the search asks of the machine; handed in by tests. */
export interface PjrtSearch extends Machine {
  /** The kinds of devices that the machine shows, the CPU among them. */
  readonly devices: readonly PjrtDevice[];
}

const HINT = `Install one with 'npx @beit/engines install xla --cpu' (or --cuda, --rocm, --tpu, --oneapi).`;

/**
 * Finds an XLA plugin (a library with PJRT's C interface): the one that `plugin` or the environment's `BEIT_PJRT` names, a
 * file or a folder; what `beit-engine install xla` brought; a Python environment's packages (the active one, then
 * those of `python3`). Without a device: for the best that this machine shows, CUDA, ROCm, TPU, oneAPI, then the CPU.
 * With one: a plugin for it, be there such a device or not. `BEIT_PJRT` is for the device that its name tells. Nothing
 * found is loaded or run.
 *
 * @throws when a plugin was given and is not there, or does not tell for which device it is; DamagedEngineError where what
 * `beit-engine` brought for a device has lost its plugin
 */
export async function findPjrt(
  {
    device,
    plugin,
    accelerators = false,
  }: {
    readonly device?: PjrtDevice;
    readonly plugin?: string;
    /** Without a device: none for the CPU. Default false. */
    readonly accelerators?: boolean;
  } = {},
  search: PjrtSearch = thisMachine(),
): Promise<PjrtLocation | undefined> {
  if (plugin) return givenPlugin(plugin, 'the option says', device, search);
  let other: PjrtLocation | undefined;
  const shown = accelerators ? search.devices.filter((known) => known !== 'cpu') : search.devices;
  for await (const found of plugins(device ? [device] : shown, search, assertNotLost)) {
    if (found.ready || found.source === 'given') return found;
    other ??= found;
  }
  return device && other;
}

/** All XLA plugins of this machine in the order of `findPjrt`, be their devices there or not (`ready`). */
export async function findPjrtPlugins(search: PjrtSearch = thisMachine()): Promise<PjrtLocation[]> {
  const found = new Map<string, PjrtLocation>();
  for await (const plugin of plugins(PJRT_DEVICES, search)) {
    if (!found.has(plugin.library)) found.set(plugin.library, plugin);
  }
  return [...found.values()];
}

/** @throws DamagedEngineError where an engine is there, but not the plugin that was installed in it */
async function assertNotLost(device: PjrtDevice, search: PjrtSearch): Promise<void> {
  if (await isThere(`xla-${device}`, search)) await assertUndamaged(`xla-${device}`, 'sizes', search);
}

/**
 * Lazily: Python is asked only where what is asked for is not found before.
 *
 * @param onNone called for a device of which none is installed, before others are searched for
 */
async function* plugins(
  devices: readonly PjrtDevice[],
  search: PjrtSearch,
  onNone: typeof assertNotLost = async () => {},
): AsyncGenerator<PjrtLocation> {
  if (search.env.BEIT_PJRT) {
    const given = await givenPlugin(search.env.BEIT_PJRT, 'BEIT_PJRT says', undefined, search);
    if (devices.includes(given.device)) yield given;
  }
  let path: readonly string[] | undefined;
  for (const device of PJRT_DEVICES.filter((known) => devices.includes(known))) {
    let isInstalled = false;
    for await (const found of pluginsIn(
      [engineFolder(`xla-${device}`, search)],
      device,
      'installed',
      search,
    )) {
      isInstalled = true;
      yield found;
    }
    if (!isInstalled) await onNone(device, search);
    yield* pluginsIn(activeEnvironments(search), device, 'python', search);
    path ??= await pythonPath(search);
    yield* inPackages(path, device, 'python', search);
  }
}

/** Those of environments. An installed engine is laid out as one, because plugins look for libraries beside them. */
async function* pluginsIn(
  environments: readonly string[],
  device: PjrtDevice,
  source: PjrtLocation['source'],
  search: PjrtSearch,
): AsyncGenerator<PjrtLocation> {
  for (const root of environments)
    yield* inPackages(await sitePackages(root, search), device, source, search);
}

async function* inPackages(
  folders: readonly string[],
  device: PjrtDevice | undefined,
  source: PjrtLocation['source'],
  search: PjrtSearch,
): AsyncGenerator<PjrtLocation> {
  for (const plugin of PJRT_PLUGINS) {
    if (device !== undefined && plugin.device !== device) continue;
    for (const folder of folders) {
      const library = join(folder, plugin.file);
      if (await isFile(library)) yield locate(library, plugin, source, search);
    }
  }
}

/** The plugin at a path that the user names: a file, or a folder that has it at any of the usual places. */
async function givenPlugin(
  given: string,
  who: string,
  device: PjrtDevice | undefined,
  search: PjrtSearch,
): Promise<PjrtLocation> {
  const path = resolve(given);
  if (await isFile(path)) {
    const known = pluginAt(path);
    const meant = device ?? known?.device ?? deviceOfName(path);
    if (meant === undefined) {
      throw new Error(
        `The name of ${path} does not tell for which device it is; expected one of ${PJRT_DEVICES.join(', ')} in it.`,
      );
    }
    return locate(path, known?.device === meant ? known : { device: meant }, 'given', search);
  }
  for (const library of (await namesIn(path)).map((name) => join(path, name))) {
    const known = pluginAt(library);
    if (known && known.device === (device ?? known.device)) return locate(library, known, 'given', search);
    const meant = PLUGIN_NAMES.has(basename(library)) ? deviceOfName(library) : undefined;
    if (!known && meant && meant === (device ?? meant))
      return locate(library, { device: meant }, 'given', search);
  }
  const packages = [path, ...(await sitePackages(path, search))];
  for await (const found of inPackages(packages, device, 'given', search)) return found;
  throw new Error(
    `There is no XLA plugin${device ? ` for ${device}` : ''} at ${path}, where ${who} it is: no such file, and no folder ` +
      `with one of ${[...PLUGIN_NAMES].join(', ')}, or of Python packages that have one. ${HINT}`,
  );
}

const PLUGIN_NAMES: ReadonlySet<string> = new Set(PJRT_PLUGINS.map(({ file }) => basename(file)));

const pluginAt = (library: string): PjrtPlugin | undefined =>
  PJRT_PLUGINS.find(({ file }) => library.endsWith(join('/', file)));

const deviceOfName = (path: string): PjrtDevice | undefined =>
  PJRT_DEVICES.find((device) => basename(path).includes(device)) ??
  PJRT_DEVICES.find((device) => path.includes(device));

async function locate(
  library: string,
  plugin: PjrtPlugin | Pick<PjrtPlugin, 'device'>,
  source: PjrtLocation['source'],
  search: PjrtSearch,
): Promise<PjrtLocation> {
  const { device } = plugin;
  const ready = search.devices.includes(device);
  const env: Record<string, string> = {};
  // As the package libtpu does when it is imported.
  if (device === 'tpu' && !search.env.TPU_LIBRARY_PATH) env.TPU_LIBRARY_PATH = library;
  const alone = { library, device, source, ready, preload: [], env };
  if (!('file' in plugin)) return alone;
  const packages = library.slice(0, -plugin.file.length - 1);
  const version = await versionIn(packages, plugin.project);
  const found = { ...alone, ...(version !== undefined && { version }) };
  const { cuda } = plugin;
  if (!cuda) return found;
  const preload: string[] = [];
  for (const path of cuda.libraries.map((file) => join(packages, file))) {
    if (await isFile(path)) preload.push(path);
  }
  const cudaData = join(packages, cuda.data);
  const hasData = (await namesIn(join(cudaData, 'nvvm', 'libdevice'))).length > 0;
  return {
    ...found,
    ready: ready && driverFits(cuda, search),
    preload,
    ...(hasData && { cudaData, env: { ...env, ...cudaDataFlag(cudaData, search) } }),
  };
}

/** `0.11.2` of `jax_cuda13_pjrt-0.11.2.dist-info`. */
async function versionIn(packages: string, project: string): Promise<string | undefined> {
  const pattern = new RegExp(`^${project}-([^-]+)\\.dist-info$`, 'i');
  for (const name of await namesIn(packages)) {
    const version = pattern.exec(name)?.[1];
    if (version !== undefined) return version;
  }
  return undefined;
}

/** Flags of XLA beside those of the user, who may have named a file of them or another folder. */
function cudaDataFlag(folder: string, { env }: Pick<Surroundings, 'env'>): Record<string, string> {
  const flags = env.XLA_FLAGS?.trim() ?? '';
  if (flags.includes('xla_gpu_cuda_data_dir') || (flags !== '' && !flags.startsWith('-'))) return {};
  return { XLA_FLAGS: `${flags} --xla_gpu_cuda_data_dir='${folder}'`.trim() };
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

/** The files by which drivers show that there are devices. */
const DEVICE_FILES: Readonly<Record<Exclude<PjrtDevice, 'cpu'>, readonly string[]>> = {
  // The second is of Windows' Linux, where the driver is that of Windows.
  cuda: ['/proc/driver/nvidia/version', '/usr/lib/wsl/lib/libcuda.so.1'],
  rocm: ['/dev/kfd'],
  tpu: ['/dev/accel0', '/dev/vfio/0'],
  oneapi: ['/sys/module/i915', '/sys/module/xe'],
};

const thisMachine = (): PjrtSearch => ({
  ...here(),
  devices: PJRT_DEVICES.filter(
    (device) => device === 'cpu' || DEVICE_FILES[device].some((path) => existsSync(path)),
  ),
  run,
});
