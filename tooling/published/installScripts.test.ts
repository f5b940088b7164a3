/** What npm would run when our packages are installed: all of it is told in the README, and none of it is needed. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { dependenciesOf, type Manifest, readManifest, root, writtenPackages } from './scratchProject';

const SCRIPTS = ['preinstall', 'install', 'postinstall'];
type Scripted = Manifest & { readonly scripts?: Readonly<Record<string, string>> };

/** Where pnpm has a package's dependency: among its own, or beside it. */
function placeOf(folder: string, dependency: string): string | undefined {
  const own = join(folder, 'node_modules', dependency);
  const beside = join(folder.slice(0, folder.lastIndexOf('node_modules')), 'node_modules', dependency);
  const found = [own, beside].find((path) => existsSync(path));
  return found && realpathSync(found);
}

/** The packages of a folder's dependencies, theirs, and so on, that have an install script, by name. */
function scripted(folder: string, seen = new Set<string>()): Map<string, string> {
  const found = new Map<string, string>();
  for (const dependency of dependenciesOf(readManifest(folder))) {
    const place = placeOf(folder, dependency);
    if (place === undefined || seen.has(place)) continue;
    seen.add(place);
    const { scripts = {} } = readManifest(place) as Scripted;
    if (SCRIPTS.some((name) => name in scripts)) found.set(dependency, place);
    for (const [name, path] of scripted(place, seen)) found.set(name, path);
  }
  return found;
}

/** Optional peers that no one brings who does not ask for them. */
const NOT_BROUGHT = ['@tensorflow/tfjs-node-gpu'];
const all = new Map<string, string>();
for (const folder of writtenPackages()) {
  for (const [name, place] of scripted(join(root, 'packages', folder))) all.set(name, place);
}

test('the README names every package whose script npm would run, and how not to run it', () => {
  const names = [...all.keys()].filter((name) => !NOT_BROUGHT.includes(name)).sort();
  expect(names).toEqual(['core-js', 'koffi', 'onnxruntime-node']);
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const told = readme.split('\n').find((line) => line.startsWith('Install scripts are not needed'))!;
  for (const name of [...names, '--ignore-scripts', 'ignore-scripts=true']) expect(told).toContain(name);
});

test('here none has run, and all tests do without', () => {
  const workspace = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');
  expect(workspace).not.toMatch(/allowBuilds|onlyBuiltDependencies|neverBuiltDependencies|dangerouslyAllow/i);
  // What the scripts would have made.
  expect(existsSync(join(all.get('koffi')!, 'build'))).toBe(false);
  expect(
    existsSync(join(all.get('onnxruntime-node')!, 'bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so')),
  ).toBe(false);
});

test('what has a script works without it', () => {
  const load = (name: string) => createRequire(join(all.get(name)!, 'package.json'))(all.get(name)!);
  expect(load('koffi').sizeof('int32_t')).toBe(4);
  expect(typeof load('onnxruntime-node').InferenceSession.create).toBe('function');
});

test('no package asks for a prerelease of another', () => {
  const asked = [...writtenPackages().map((name) => `packages/${name}`), 'apps/explorer'].flatMap(
    (folder) => {
      const { name, dependencies, peerDependencies, optionalDependencies, devDependencies } = readManifest(
        join(root, folder),
      ) as Scripted & { readonly devDependencies?: Readonly<Record<string, string>> };
      const versions = { ...dependencies, ...peerDependencies, ...optionalDependencies, ...devDependencies };
      return Object.entries(versions).map(([dependency, version]) => `${name}: ${dependency} ${version}`);
    },
  );
  expect(asked.filter((line) => /\d-/.test(line))).toEqual([]);
});
