/**
 * Proves that each package works as published: built, packed, unpacked or installed from its tarball into a
 * project outside of this workspace, and used there as ES modules, CommonJS, TypeScript and a browser bundle.
 */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModuleKind } from 'typescript';
import { CALL_SITES, CALLED_LINES } from './callSites';
import {
  createProject,
  dependenciesOf,
  pnpm,
  readManifest,
  root,
  run,
  tarEntries,
  unpackAll,
  writeProject,
  writtenPackages,
} from './scratchProject';
import { asModule, runnableFiles, typedFiles } from './sources';
import { uses } from './uses';

const folders = writtenPackages();
const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'beit-published-')));
const tarballs = new Map<string, string>();
let buildFailure = '';

const used = folders.filter((folder) => uses[folder] !== undefined);

/** The project of programs that can't be traced; its name, and so all paths, are like TensorFlow.js's. */
const CALLING = 'my-tfjs app';

const projectOf = (name: string) => join(scratch, 'projects', name);
const installedPath = (folder: string) => join(projectOf(folder), 'node_modules/@beit', folder);
const node = (args: readonly string[], name: string) => run(process.execPath, args, projectOf(name));
// The bundler comes with tsup.
const esbuild = createRequire(realpathSync(join(root, 'node_modules/tsup/package.json'))).resolve(
  'esbuild/bin/esbuild',
);

const isAlone = (folder: string) => dependenciesOf(readManifest(join(root, 'packages', folder))).length === 0;

/** Our other packages that a use imports. */
const companions = (folder: string) =>
  (uses[folder]?.alsoImports ?? [])
    .filter(([, from]) => from.startsWith('@beit/'))
    .map(([, from]) => from.slice('@beit/'.length));

/** What a use printed; TensorFlow.js may have greeted before. */
const lastLine = (output: string) => output.trimEnd().split('\n').at(-1);

function writeAll(project: string, files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) writeFileSync(join(project, file), text);
}

beforeAll(async () => {
  const filters = folders.flatMap((folder) => ['--filter', `./packages/${folder}`]);
  const build = [
    'exec',
    'turbo',
    'run',
    'build',
    '--continue',
    '--env-mode=loose',
    '--output-logs=errors-only',
  ];
  await pnpm([...build, ...filters]).catch(({ message }: Error) => {
    buildFailure = message;
  });
  const packed = join(scratch, 'tarballs');
  const report = await pnpm(['--recursive', ...filters, 'pack', '--pack-destination', packed, '--json']);
  // pnpm gives an object instead of a list when it has packed one package.
  for (const { name, filename } of [JSON.parse(report.slice(report.search(/^[[{]$/m)))].flat()) {
    tarballs.set(name.slice('@beit/'.length), filename);
  }
  const store = join(scratch, 'store');
  mkdirSync(store);
  await unpackAll(tarballs, store);
  for (const folder of folders) {
    if (isAlone(folder)) {
      writeProject(projectOf(folder));
      const quiet = ['--offline', '--no-audit', '--no-fund', '--loglevel=error'];
      await run('npm', ['install', ...quiet, tarballs.get(folder)!], projectOf(folder));
    } else {
      createProject(projectOf(folder), store, [folder, ...companions(folder)]);
    }
  }
  for (const folder of used) writeAll(projectOf(folder), runnableFiles(`@beit/${folder}`, uses[folder]!));
  createProject(projectOf(CALLING), store, ['compile']);
  writeAll(projectOf(CALLING), {
    'sites.mjs': asModule(CALL_SITES, ModuleKind.ESNext),
    'sites.cjs': asModule(CALL_SITES, ModuleKind.CommonJS),
  });
  // The compiler is slow to start, so it reads the uses of all packages at once.
  createProject(projectOf('types'), store, folders);
  writeAll(projectOf('types'), typedFiles(used, uses));
}, 600_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('every package builds', () => {
  expect(buildFailure).toBe('');
});

test('every package that has code has a use in uses.ts', () => {
  expect(folders.filter((folder) => uses[folder] === undefined)).toEqual([]);
});

describe.each(folders)('@beit/%s', (folder) => {
  const use = uses[folder];

  test('the tarball holds what a user needs and nothing else', async () => {
    const entries = await tarEntries(tarballs.get(folder)!);
    const needed = ['README.md', 'LICENSE', 'package.json', 'src/index.ts'];
    const built = ['dist/index.js', 'dist/index.cjs', 'dist/index.d.ts', 'dist/index.d.cts'];
    expect([...needed, ...built].filter((entry) => !entries.includes(entry))).toEqual([]);
    expect(
      entries.filter(
        (entry) => !/^(dist|src)\/|^(README|CHANGELOG)\.md$|^LICENSE$|^package\.json$/.test(entry),
      ),
    ).toEqual([]);
    expect(entries.filter((entry) => /\.test\.|fixtures|\.tgz$/.test(entry))).toEqual([]);
    // Dependencies are declared, never copied into a build.
    expect(entries.filter((entry) => /\.node$|\.wasm$/.test(entry))).toEqual([]);
    const modules = entries.filter((entry) => /^dist\/.*\.c?js$/.test(entry));
    const copied = modules.filter((entry) =>
      // tsup's own few lines for `import.meta.url` are no dependency.
      /\/node_modules\/(?!.*cjs_shims\.js)/.test(readFileSync(join(installedPath(folder), entry), 'utf8')),
    );
    expect(copied).toEqual([]);
    const manifest = readFileSync(
      join(projectOf(folder), 'node_modules/@beit', folder, 'package.json'),
      'utf8',
    );
    expect(manifest).not.toContain('workspace:');
  });

  if (use === undefined) return;

  test('ES modules and CommonJS', async () => {
    const [asModule, asCommonJs] = await Promise.all([node(['use.mjs'], folder), node(['use.cjs'], folder)]);
    expect(lastLine(asModule)).toBe(use.prints);
    expect(lastLine(asCommonJs)).toBe(use.prints);
  });

  if (use.browser === undefined) return;

  test('a browser bundle', async () => {
    const options = ['--bundle', '--minify', '--platform=browser', '--format=iife', '--outfile=bundle.js'];
    await node([esbuild, 'use.mjs', '--log-level=warning', ...options], folder);
    expect(statSync(join(projectOf(folder), 'bundle.js')).size).toBeLessThan(
      use.maxBundleBytes ?? Number.POSITIVE_INFINITY,
    );
    if (use.browser === 'run') {
      const printed = lastLine(await node(['runBundle.cjs'], folder));
      expect(printed).toBe(use.printsInBrowser ?? use.prints);
    }
  });
});

describe('TypeScript, strict', () => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');

  test.each(['node16', 'bundler'])('module resolution %s', async (resolution) => {
    const args = [tsc, '--pretty', 'false', '--listFiles', '-p', `tsconfig.${resolution}.json`];
    const output = await node(args, 'types').catch(({ message }: Error) => message);
    expect(output).toContain('@beit/masking/dist/index.d.');
    const errors = output.split('\n').filter((line) => line.includes('error TS'));
    // Errors inside other people's type declarations are not ours.
    expect(errors.filter((line) => !line.includes('node_modules') || line.includes('@beit'))).toEqual([]);
  });
});

describe("@beit/compile names the op that can't be traced and the line that called it", () => {
  const sites = async (args: readonly string[]): Promise<Record<string, string>> =>
    JSON.parse(lastLine(await node(args, CALLING))!);

  test.each(['sites.mjs', '--enable-source-maps sites.mjs', 'sites.cjs', '--enable-source-maps sites.cjs'])(
    'node %s',
    async (args) => {
      const found = await sites(args.split(' '));
      expect(Object.keys(found)).toEqual(Object.keys(CALLED_LINES));
      for (const [name, line] of Object.entries(CALLED_LINES)) expect(found[name]).toContain(line);
    },
  );

  test('in one file with TensorFlow.js, minified: the line of the step', async () => {
    const options = ['--bundle', '--platform=node', '--minify-syntax', '--minify-identifiers'];
    const outside = ['koffi', 'onnxruntime-node'].map((name) => `--external:${name}`);
    const log = '--log-level=error';
    await node([esbuild, 'sites.mjs', ...options, ...outside, log, '--outfile=bundle.cjs'], CALLING);
    const found = await sites(['bundle.cjs']);
    for (const name of Object.keys(CALLED_LINES)) {
      expect(found[name]).toMatch(name === 'exported' ? /exportOnnx|=> \(\{ y: / : /outputs: \{ y: /);
    }
  });
});

test('@beit/engines has one program, which npx therefore runs under the name of the package', async () => {
  const { bin } = JSON.parse(readFileSync(join(installedPath('engines'), 'package.json'), 'utf8'));
  expect(Object.keys(bin)).toEqual(['beit-engine']);
  const program = join(installedPath('engines'), bin['beit-engine']);
  expect(readFileSync(program, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  expect(await node([program, '--help'], 'engines')).toMatch(/^Usage: beit-engine COMMAND/);
});

test('@beit/masking has no trace of the package that is bundled into it', () => {
  for (const file of ['index.js', 'index.cjs', 'index.d.ts', 'index.d.cts']) {
    const text = readFileSync(join(installedPath('masking'), 'dist', file), 'utf8');
    expect(text).not.toMatch(/(from\s*|import\(|require\()['"]/);
  }
});
