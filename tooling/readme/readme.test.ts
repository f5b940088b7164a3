/** Runs and type-checks the example of every package's README, and holds the READMEs to one shape. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execFilePromise = promisify(execFile);
const root = dirname(dirname(__dirname));
const HEADINGS = [
  'Install',
  'Example',
  'API',
  'Conventions',
  'Differs from the reference',
  'Dependencies',
  'Evidence',
];

/** Folders in packages/ whose index exports anything. */
const folders = readdirSync(join(root, 'packages')).filter((folder) => {
  const index = readFileSync(join(root, 'packages', folder, 'src/index.ts'), 'utf8');
  return index.trim() !== 'export {};';
});

/** The text below a heading of the second level, up to the next. */
function section(readme: string, heading: string): string {
  return readme.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
}

/** The first TypeScript block of the section Example. */
function exampleOf(folder: string): string | undefined {
  return /^```ts\n([\s\S]*?)^```/m.exec(section(readReadme(folder), 'Example'))?.[1];
}

function readReadme(folder: string): string {
  const path = join(root, 'packages', folder, 'README.md');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

// Inside the package, so that its imports resolve as in the package itself.
const fileOf = (folder: string) => join(root, 'packages', folder, `.readme-example-${process.pid}.mts`);
const rootExample = fileOf('stage').replace('.mts', '-root.mts');
const written = folders.filter((folder) => exampleOf(folder) !== undefined);

beforeAll(() => {
  for (const folder of written) writeFileSync(fileOf(folder), exampleOf(folder)!);
});

afterAll(() => {
  for (const file of [...written.map(fileOf), rootExample]) rmSync(file, { force: true });
});

describe.each(folders)('packages/%s/README.md', (folder) => {
  test('has the headings of all READMEs, in their order, on at most 80 lines', () => {
    const readme = readReadme(folder);
    expect(readme.split('\n')[0]).toBe(`# @beit/${folder}`);
    // Headings inside code blocks are comments of a shell.
    const prose = readme.replace(/^```[\s\S]*?^```/gm, '');
    expect([...prose.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual(HEADINGS);
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(80);
  });

  test('has an example that runs', async () => {
    expect(written).toContain(folder);
    const args = ['--conditions=@beit/source', '--import', 'tsx', fileOf(folder)];
    const { stdout } = await execFilePromise(process.execPath, args, { cwd: root, timeout: 60_000 });
    expect(stdout.trim()).not.toBe('');
  });
});

describe('README.md', () => {
  const example = /^```ts\n([\s\S]*?)^```/m.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? '';
  let folder: string;
  beforeAll(async () => {
    // Below the sources, where their loader is found.
    folder = mkdtempSync(join(root, 'packages/stage/.readme-example-'));
    const sharp: (options: object) => { jpeg(): { toFile(path: string): Promise<unknown> } } = createRequire(
      join(root, 'packages/data/package.json'),
    )('sharp');
    await mkdir(join(folder, 'photos'));
    for (let i = 0; i < 20; i++) {
      const background = { r: 12 * i, g: 100, b: 255 - 12 * i };
      const picture = sharp({ create: { width: 80, height: 64 + i, channels: 3, background } });
      await picture.jpeg().toFile(join(folder, 'photos', `${i}.jpg`));
    }
    writeFileSync(rootExample, example);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('begins with a training run on a folder of pictures, in 25 lines', async () => {
    const lines = example.split('\n').filter((line) => line !== '' && !line.startsWith('import '));
    expect(lines.length).toBeLessThanOrEqual(25);
    const loader = join(root, 'node_modules/tsx/dist/loader.mjs');
    const args = ['--conditions=@beit/source', '--import', loader, rootExample];
    const { stderr } = await execFilePromise(process.execPath, args, { cwd: folder, timeout: 120_000 });
    expect(stderr).toMatch(/pretraining.*20/);
    expect(existsSync(join(folder, 'model.safetensors'))).toBe(true);
  });
});

test('the examples pass the type checker', async () => {
  const project = mkdtempSync(join(tmpdir(), 'beit-readme-'));
  try {
    const config = {
      extends: join(root, 'tsconfig.base.json'),
      compilerOptions: { noEmit: true, types: ['node'], typeRoots: [join(root, 'node_modules/@types')] },
      files: [...written.map(fileOf), rootExample],
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(config));
    const args = [join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false', '-p', project];
    const output = await execFilePromise(process.execPath, [...args, '--listFiles'], { cwd: root }).then(
      ({ stdout }) => stdout,
      ({ stdout }: { stdout: string }) => stdout,
    );
    const lines = output.split('\n').filter((line) => line.includes('.readme-example-'));
    // Files that were read are listed; what else is said of them are errors.
    expect(lines.filter((line) => line.includes('error TS'))).toEqual([]);
    expect(lines.filter((line) => line.endsWith('.mts')).length).toBe(config.files.length);
  } finally {
    rmSync(project, { recursive: true });
  }
});
