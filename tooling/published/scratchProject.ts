import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export const root = dirname(dirname(__dirname));

const execFilePromise = promisify(execFile);

/** Runs a program to its end. Returns what it printed; throws with all of its output when it fails. */
export async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  // The root package's `npm test` passes options of this workspace on; a user's project has none of them.
  const { NODE_OPTIONS: _, ...env } = process.env;
  const options = {
    cwd,
    // The pinned pnpm is the one that runs: it need not ask a registry about itself.
    env: { ...env, pnpm_config_pm_on_fail: 'ignore', TURBO_TELEMETRY_DISABLED: '1', NO_UPDATE_NOTIFIER: '1' },
    maxBuffer: 2 ** 26,
    shell: process.platform === 'win32' && program !== process.execPath,
  };
  try {
    const { stdout } = await execFilePromise(program, args, options);
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    // Node shows the line that failed, which in a minified bundle is all of it.
    const shown = `${stdout}\n${stderr}`.split('\n').map((line) => line.slice(0, 400));
    throw new Error(`${program} ${args.join(' ')}\nfailed in ${cwd}:\n${shown.join('\n')}`);
  }
}

/** Runs the workspace's pnpm, which may not be on the path. */
export function pnpm(args: readonly string[]): Promise<string> {
  return run(process.execPath, ['scripts/pnpm.mjs', ...args], root);
}

export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** All that an installer would bring for a package. */
export function dependenciesOf(manifest: Manifest): string[] {
  const { dependencies, peerDependencies, optionalDependencies } = manifest;
  return Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies });
}

/** Folders in packages/ whose index exports anything. */
export function writtenPackages(): string[] {
  return readdirSync(join(root, 'packages')).filter((folder) => {
    const index = readFileSync(join(root, 'packages', folder, 'src/index.ts'), 'utf8');
    return index.trim() !== 'export {};';
  });
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path, 'junction');
}

/** Where `installOffline` keeps the unpacked package of a folder. */
function unpackedPath(store: string, folder: string): string {
  return join(store, folder, 'node_modules/@beit', folder);
}

/**
 * Unpacks tarballs so that each sees its declared dependencies and nothing else, as pnpm would lay them out:
 * our packages from their tarballs, others from where this workspace has them, so that no network is needed.
 *
 * @param tarballs path of the tarball by folder.
 */
export async function unpackAll(tarballs: ReadonlyMap<string, string>, store: string): Promise<void> {
  for (const [folder, tarball] of tarballs) {
    const target = unpackedPath(store, folder);
    mkdirSync(target, { recursive: true });
    await run('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'], store);
    for (const dependency of dependenciesOf(readManifest(target))) {
      const path = join(store, folder, 'node_modules', dependency);
      if (dependency.startsWith('@beit/')) link(unpackedPath(store, dependency.slice('@beit/'.length)), path);
      else link(realpathSync(join(root, 'packages', folder, 'node_modules', dependency)), path);
    }
  }
}

/** A user's project that has installed unpacked packages, and their peer dependencies beside them. */
export function createProject(project: string, store: string, folders: readonly string[]): void {
  writeProject(project);
  const peers = new Map<string, string>();
  for (const folder of folders) {
    const unpacked = unpackedPath(store, folder);
    link(unpacked, join(project, 'node_modules/@beit', folder));
    for (const peer of Object.keys(readManifest(unpacked).peerDependencies ?? {})) {
      peers.set(peer, realpathSync(join(root, 'packages', folder, 'node_modules', peer)));
    }
  }
  for (const [peer, path] of peers) link(path, join(project, 'node_modules', peer));
}

/** The manifest of a user's project. */
export function writeProject(project: string): void {
  mkdirSync(project, { recursive: true });
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'scratch', version: '1.0.0', private: true }),
  );
}

export function tarEntries(tarball: string): Promise<string[]> {
  return run('tar', ['-tzf', tarball], root).then((list) =>
    list
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.replace(/^package\//, '')),
  );
}
