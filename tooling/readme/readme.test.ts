/** Runs the example of every package's README, and holds the READMEs to one shape. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

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

describe.each(folders)('packages/%s/README.md', (folder) => {
  const folderPath = join(root, 'packages', folder);
  const readmePath = join(folderPath, 'README.md');
  const readme = existsSync(readmePath) ? readFileSync(readmePath, 'utf8') : '';

  test('has the headings of all READMEs, in their order, on at most 80 lines', () => {
    expect(readme.split('\n')[0]).toBe(`# @beit/${folder}`);
    // Headings inside code blocks are comments of a shell.
    const prose = readme.replace(/^```[\s\S]*?^```/gm, '');
    expect([...prose.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual(HEADINGS);
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(80);
  });

  test('has an example that runs', async () => {
    const [, example] = /^```ts\n([\s\S]*?)^```/m.exec(section(readme, 'Example')) ?? [];
    expect(example).toBeDefined();
    // Inside the package, so that its imports resolve as in the package itself.
    const file = join(folderPath, `.readme-example-${process.pid}.mts`);
    writeFileSync(file, example!);
    try {
      const args = ['--conditions=@beit/source', '--import', 'tsx', file];
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 60_000 });
      expect(stdout.trim()).not.toBe('');
    } finally {
      rmSync(file);
    }
  });
});
