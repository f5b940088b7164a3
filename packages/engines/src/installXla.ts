import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  driverFits,
  engineFolder,
  here,
  type InstallRecord,
  PJRT_PLUGINS,
  type PjrtDevice,
  type PjrtPlugin,
  type Surroundings,
} from '@beit/installed';
import { isInstalled } from './isInstalled';
import { type Brought, replaceEngine } from './replaceEngine';
import { unpackZip } from './unpackZip';
import { type Requirement, requirementsOfExtra } from './versions';
import { type InstallOptions, type WheelOptions, wheelOptions, withWheel } from './withWheel';

/**
 * The releases that this package is tested with: of all devices those of JAX 0.11.2, so of one XLA; libtpu counts in its
 * own way.
 */
export const XLA_VERSIONS: Readonly<Record<PjrtDevice, string>> = {
  cuda: '0.11.2',
  rocm: '0.11.2',
  tpu: '0.0.48.1',
  oneapi: '0.11.2',
  cpu: '0.11.2',
};

/** Bytes: plugins have up to 0.2 GB, 0.5 GB unpacked; NVIDIA's wheels up to 0.8 and 1.2. */
const LARGEST_WHEEL = 2 * 2 ** 30;
const LARGEST_UNPACKED = 4 * 2 ** 30;

/** An engine is laid out as a Python environment: in this folder of it, plugins find NVIDIA's libraries beside them. */
const PACKAGES = 'lib/python3/site-packages';

/** The package beside a plugin that names the libraries it needs, under this extra; the plugin's own names none. */
const LIBRARIES_OF: Partial<Record<PjrtDevice, { readonly extra: string; readonly left: RegExp }>> = {
  // What is left has 0.6 GB: cuSOLVER is for JAX's own kernels, NVSHMEM for --xla_gpu_experimental_enable_nvshmem.
  cuda: { extra: 'with-cuda', left: /^nvidia-(?:cusolver|nvshmem)\b/ },
  oneapi: { extra: 'with-oneapi', left: /^$/ },
};

/** Beside the file of a plugin: NVIDIA's and Intel's libraries, compilers and bitcode of CUDA, licenses, versions. */
export function selectXlaFile(name: string): string | undefined {
  const plugin = PJRT_PLUGINS.some(({ file }) => file === name);
  const library = /^nvidia\/\w+\/lib\/lib(?!nvblas|cufftw|nvvm|.*\.alt\.)[\w-]+\.so[.\d]*$/.test(name);
  const compiler = /^nvidia\/\w+\/(?:bin\/ptxas|nvvm\/libdevice\/[\w.]+\.bc)$/.test(name);
  const paper = /^[^/]+\.dist-info\/(?:METADATA|LICENSE[^/]*|licenses\/.+)$/i.test(name);
  const notice = /^libtpu\/(?:LICENSE|\w*THIRD_PARTY_NOTICES\.txt)$/.test(name);
  if (plugin || library || compiler || paper || notice) return `${PACKAGES}/${name}`;
  // Wheels put these beside Python's own libraries, where Intel's plugin looks for them; under several names each.
  const intel = /^[^/]+\.data\/data\/lib\/([^/]+\.so(?:\.\d+)?)$/.exec(name)?.[1];
  return intel === undefined || UNUSED_INTEL.test(intel) ? undefined : `lib/${intel}`;
}

/** OpenCL for CPUs, OpenMP's offloading, Fortran, and what else XLA does not call. */
const UNUSED_INTEL =
  /^(?:icx-lto|lib(?:common_clang|intelocl|ocl|omptarget|onnxruntime|mpifort|mkl_scalapack|sycl-preview))/;

export interface XlaInstallOptions extends InstallOptions {
  /** For which devices. Default the CPU. */
  readonly device?: PjrtDevice;
  /** Which CUDA; the default is the newest that this machine's driver can run. */
  readonly cuda?: 12 | 13;
  /** A release of the plugin's package, or the beginning of one. */
  readonly version?: string;
}

/**
 * Brings an XLA plugin (a library with PJRT's C interface) from the package index into the user's cache, with the
 * libraries it needs as far as the index has them: NVIDIA's CUDA, Intel's oneAPI. Nothing is fetched when this
 * version is there, and whole.
 *
 * @returns the engine's folder, in which `findPjrt` of `@beit/installed` finds the plugin
 * @throws on machines for which there is no plugin, and where NVIDIA's driver is too old for it
 */
export async function installXla(
  { device = 'cpu', cuda, version: asked, ...given }: XlaInstallOptions = {},
  surroundings: Surroundings = here(),
): Promise<string> {
  const version = asked ?? XLA_VERSIONS[device];
  const options = wheelOptions(given, asked);
  const name = `xla-${device}` as const;
  assertMachine(device, surroundings);
  const plugin = choosePlugin(device, cuda, options, surroundings);
  const fits = (there: InstallRecord) =>
    there.version === version && there.file.startsWith(`${plugin.project}-`);
  if (await isInstalled(name, fits, options, surroundings)) return engineFolder(name, surroundings);
  const fill = (folder: string) => bring(plugin, version, folder, options, surroundings);
  const folder = await replaceEngine(name, fill, surroundings);
  const note = NOTES[device];
  if (note !== undefined) options.onMessage?.(note);
  return folder;
}

/** What no index has, and whose terms are not those of free software. */
const NOTES: Partial<Record<PjrtDevice, string>> = {
  rocm: 'ROCm 7 itself is not on PyPI: it comes from AMD, https://rocm.docs.amd.com, and is looked for in /opt/rocm',
  oneapi:
    "Intel's driver with Level Zero (libze_loader.so.1) comes from your system: https://dgpu-docs.intel.com",
  tpu: "libtpu is under Google Cloud's terms of service: https://cloud.google.com/terms",
};

function assertMachine(device: PjrtDevice, { platform, arch }: Surroundings): void {
  const machines = device === 'cuda' ? ['x64', 'arm64'] : ['x64'];
  if (platform === 'linux' && machines.includes(arch)) return;
  throw new Error(
    `XLA's plugin for ${device} is there for Linux on ${machines.join(' and ')} only; this is ${platform} ${arch}. ` +
      `Other engines do without: 'npx @beit/engines install openvino' brings one for CPUs.`,
  );
}

/** Of NVIDIA's two the newest for which the driver is new enough, or the one that is asked for. */
function choosePlugin(
  device: PjrtDevice,
  release: number | undefined,
  { onMessage }: InstallOptions,
  surroundings: Surroundings,
): PjrtPlugin {
  const plugins = PJRT_PLUGINS.filter(
    (plugin) => plugin.device === device && (release === undefined || plugin.cuda?.release === release),
  );
  const plugin = plugins.find(({ cuda }) => cuda === undefined || driverFits(cuda, surroundings));
  const { nvidiaDriver } = surroundings;
  if (plugin === undefined) {
    const oldest = plugins.at(-1);
    if (oldest?.cuda === undefined) throw new Error(`There is no CUDA ${release} for ${device}.`);
    const lower = PJRT_PLUGINS.find(({ cuda }) => cuda !== undefined && driverFits(cuda, surroundings))?.cuda;
    throw new Error(
      `CUDA ${oldest.cuda.release} needs NVIDIA's driver ${oldest.cuda.driver} or newer, and this machine has ${nvidiaDriver}. ` +
        (lower ? `Take --cuda${lower.release}, or update the driver.` : 'Update the driver.'),
    );
  }
  if (plugin.cuda && nvidiaDriver === undefined) {
    onMessage?.(
      `No driver of NVIDIA is loaded here; CUDA ${plugin.cuda.release} needs ${plugin.cuda.driver} or newer to run`,
    );
  } else if (plugin.cuda && plugin !== plugins[0]) {
    onMessage?.(`The driver ${nvidiaDriver} is for CUDA ${plugin.cuda.release}`);
  }
  return plugin;
}

async function bring(
  plugin: PjrtPlugin,
  version: string,
  folder: string,
  options: WheelOptions,
  surroundings: Surroundings,
): Promise<Brought> {
  const written: string[] = [];
  const unpack = (project: string, versions: string) =>
    withWheel(
      project,
      versions,
      LARGEST_WHEEL,
      async ({ path, wheel }) => {
        options.onMessage?.('Unpacking');
        const files = { select: selectXlaFile, largest: LARGEST_UNPACKED, signal: options.signal };
        written.push(...(await unpackZip(path, folder, files)));
        return wheel;
      },
      options,
      surroundings,
    );
  const wheel = await unpack(plugin.project, version);
  const libraries = await librariesOf(plugin, wheel.version, folder, options, surroundings);
  for (const { project, versions } of libraries) await unpack(project, versions);
  const { cuda } = plugin;
  const needed = [plugin.file, ...(cuda ? [...cuda.libraries, `${cuda.data}/bin/ptxas`] : [])];
  const missing = needed.filter((file) => !written.includes(`${PACKAGES}/${file}`));
  if (missing.length > 0) {
    throw new Error(
      `${wheel.filename} and what it requires hold no ${missing.join(', ')} where it was expected.`,
    );
  }
  return { version: wheel.version, file: wheel.filename, sha256: wheel.sha256 };
}

/** The project that names what a plugin needs. */
export const pythonOf = ({ project }: PjrtPlugin): string => project.replace(/pjrt$/, 'plugin');

/** What `pip install jax-cuda13-plugin[with-cuda]` would bring beside the plugin. `folder` is used, and left as it was. */
export async function librariesOf(
  plugin: PjrtPlugin,
  version: string,
  folder: string,
  options: WheelOptions = {},
  surroundings: Surroundings = here(),
): Promise<Requirement[]> {
  const libraries = LIBRARIES_OF[plugin.device];
  if (libraries === undefined) return [];
  const python = pythonOf(plugin);
  const metadata = await withWheel(
    python,
    version,
    LARGEST_WHEEL,
    async ({ path }) => {
      const [file] = await unpackZip(path, folder, {
        select: (name) => (/^[^/]+\.dist-info\/METADATA$/.test(name) ? basename(name) : undefined),
        largest: LARGEST_UNPACKED,
        signal: options.signal,
      });
      if (file === undefined) return '';
      const text = await readFile(join(folder, file), 'utf8');
      await rm(join(folder, file));
      return text;
    },
    options,
    surroundings,
  );
  const requirements = requirementsOfExtra(metadata, libraries.extra);
  if (requirements.length === 0) {
    throw new Error(`${python} ${version} names no libraries (its extra '${libraries.extra}').`);
  }
  return requirements.filter(({ project }) => !libraries.left.test(project));
}
