import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assertUndamaged } from './engineDamage';
import { engineFolder, isThere } from './installedEngine';
import { activeEnvironments, type Machine, namesIn, pythonPath, run, sitePackages } from './python';
import { here, type Surroundings } from './surroundings';

/** Where OpenVINO's C library is. */
export interface OpenvinoLocation {
  /** The library's path: `.../libopenvino_c.so.2641`. */
  readonly library: string;
  readonly folder: string;
  /** Who put it there. */
  readonly source: 'folder' | 'installed' | 'openvino-node' | 'python' | 'system';
  /** As the file's name tells it (`2641` is 2026.4.1); unknown on Windows. */
  readonly version?: string;
}

/** What the search asks of the machine; handed in by tests. */
export interface OpenvinoSearch extends Machine {
  /** Folders whose `node_modules`, and those above, are looked through. */
  readonly from: readonly string[];
  /** Folders of system libraries. */
  readonly systemFolders: readonly string[];
}

const HINT = `Install it with 'npx @beit/engines install openvino'.`;

/**
 * Finds OpenVINO's C library, in this order: `folder` or the environment's `BEIT_OPENVINO`; what
 * `beit-engine install openvino` brought; the download of the package openvino-node; a Python environment's `openvino`
 * (the active one, then that of `python3`); the system. Nothing found is loaded or run.
 *
 * @throws when a folder was given and does not have the library; DamagedEngineError where what `beit-engine` brought has
 * lost it
 */
export async function findOpenvino(
  { folder }: { readonly folder?: string } = {},
  search: OpenvinoSearch = thisMachine(),
): Promise<OpenvinoLocation | undefined> {
  const given = folder ?? search.env.BEIT_OPENVINO;
  if (given) {
    const root = resolve(given);
    const tried = ['.', 'libs', 'openvino/libs', 'lib', 'bin', ...RUNTIME_FOLDERS];
    const found = await firstLibrary(
      tried.map((path) => join(root, path)),
      'folder',
      search,
    );
    if (found) return found;
    throw new Error(
      `There is no OpenVINO C library (${LIBRARY_NAMES[search.platform] ?? LIBRARY_NAMES.linux}) in ${root}, nor in its ` +
        `${tried.slice(1).join(', ')}, where ${folder ? 'the option' : 'BEIT_OPENVINO'} says it is. ${HINT}`,
    );
  }
  const installed = await firstLibrary([join(engineFolder('openvino', search), 'libs')], 'installed', search);
  if (installed) return installed;
  if (await isThere('openvino', search)) await assertUndamaged('openvino', 'sizes', search);
  return (
    (await firstLibrary(openvinoNodeFolders(search.from), 'openvino-node', search)) ??
    (await firstLibrary(await environmentFolders(search), 'python', search)) ??
    (await firstLibrary((await pythonPath(search)).map(libsOfPackage), 'python', search)) ??
    (await firstLibrary(await systemFolders(search), 'system', search))
  );
}

const LIBRARY_NAMES: Readonly<Record<string, string>> = {
  linux: 'libopenvino_c.so',
  darwin: 'libopenvino_c.dylib',
  win32: 'openvino_c.dll',
};
const RUNTIME_FOLDERS = ['intel64', 'aarch64', 'arm64'].flatMap((machine) => [
  `runtime/lib/${machine}`,
  `runtime/lib/${machine}/Release`,
  `runtime/bin/${machine}/Release`,
]);

async function firstLibrary(
  folders: readonly string[],
  source: OpenvinoLocation['source'],
  { platform }: Surroundings,
): Promise<OpenvinoLocation | undefined> {
  const pattern =
    platform === 'win32'
      ? /^openvino_c\.dll$/i
      : platform === 'darwin'
        ? /^libopenvino_c(?:\.(\d+))?\.dylib$/
        : /^libopenvino_c\.so(?:\.(\d+))?$/;
  for (const folder of folders) {
    // The longest name is the one with its version; the others are links to it.
    const [name] = (await namesIn(folder))
      .filter((file) => pattern.test(file))
      .sort((a, b) => b.length - a.length);
    if (name === undefined) continue;
    const digits = /^(\d\d)(\d)(\d)$/.exec(pattern.exec(name)?.[1] ?? '');
    return {
      library: join(folder, name),
      folder,
      source,
      ...(digits ? { version: `20${digits[1]}.${digits[2]}.${digits[3]}` } : {}),
    };
  }
  return undefined;
}

/** `node_modules/openvino-node/bin` of these folders and those above them. */
function openvinoNodeFolders(from: readonly string[]): string[] {
  return [...new Set(from.flatMap(withParents))].map((folder) =>
    join(folder, 'node_modules', 'openvino-node', 'bin'),
  );
}

function withParents(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...withParents(parent)];
}

/** The libraries of the package `openvino` in a folder of Python packages. */
const libsOfPackage = (folder: string): string => join(folder, 'openvino', 'libs');

/** The libraries of the active virtual or conda environment. */
async function environmentFolders(search: Surroundings): Promise<string[]> {
  const folders: string[] = [];
  for (const root of activeEnvironments(search)) {
    folders.push(...(await sitePackages(root, search)).map(libsOfPackage));
    // conda's own packages put libraries here.
    folders.push(search.platform === 'win32' ? join(root, 'Library', 'bin') : join(root, 'lib'));
  }
  return folders;
}

async function systemFolders({ env, platform, systemFolders, run }: OpenvinoSearch): Promise<string[]> {
  const searchPath =
    { win32: env.PATH, darwin: env.DYLD_LIBRARY_PATH }[platform as string] ?? env.LD_LIBRARY_PATH;
  const cached = platform === 'linux' ? await run('ldconfig', ['-p']) : undefined;
  const linked = [...(cached ?? '').matchAll(/^\s*libopenvino_c\.so\S* .*=> (\S.*)$/gm)].map((match) =>
    dirname(match[1]!),
  );
  return [...(searchPath ?? '').split(delimiter).filter((path) => path !== ''), ...linked, ...systemFolders];
}

const SYSTEM_FOLDERS: Readonly<Record<string, readonly string[]>> = {
  linux: [
    '/usr/lib/x86_64-linux-gnu',
    '/usr/lib/aarch64-linux-gnu',
    '/usr/lib64',
    '/usr/lib',
    '/usr/local/lib',
    '/home/linuxbrew/.linuxbrew/lib',
    ...RUNTIME_FOLDERS.map((path) => `/opt/intel/openvino/${path}`),
  ],
  darwin: [
    '/opt/homebrew/lib',
    '/usr/local/lib',
    ...RUNTIME_FOLDERS.map((path) => `/opt/intel/openvino/${path}`),
  ],
  win32: RUNTIME_FOLDERS.map(
    (path) => `C:\\Program Files (x86)\\Intel\\openvino\\${path.replaceAll('/', '\\')}`,
  ),
};

function thisMachine(): OpenvinoSearch {
  const surroundings = here();
  return {
    ...surroundings,
    from: [process.cwd(), dirname(fileURLToPath(import.meta.url))],
    systemFolders: SYSTEM_FOLDERS[surroundings.platform] ?? [],
    run,
  };
}
