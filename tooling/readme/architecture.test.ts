import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const figure = readFileSync(join(ROOT, 'docs/architecture.svg'), 'utf8');

/** Rows, by their height on the page, of the boxes of a class. */
const rowsOf = (className: string): Map<string, number> =>
  new Map(
    [...figure.matchAll(/<rect class="([^"]+)" x="\d+" y="(\d+)"[^>]*\/><text[^>]*>([^<]+)</g)]
      .filter(([, name]) => name === className)
      .map(([, , y, text]) => [String(text), Number(y)]),
  );

const namesIn = (folder: string) => readdirSync(join(ROOT, folder)).sort();
const neededBy = (name: string): string[] => {
  const file = join(ROOT, 'packages', name, 'package.json');
  const { dependencies = {}, peerDependencies = {} } = JSON.parse(readFileSync(file, 'utf8'));
  return Object.keys({ ...dependencies, ...peerDependencies }).flatMap((dependency) =>
    dependency.startsWith('@beit/') ? [dependency.slice('@beit/'.length)] : [],
  );
};

describe('the figure of the architecture', () => {
  test('has every app and every package', () => {
    expect([...rowsOf('box app').keys()].sort()).toEqual(namesIn('apps'));
    expect([...rowsOf('box').keys()].sort()).toEqual(namesIn('packages'));
  });

  test.each(namesIn('packages'))('%s stands above what it needs', (name) => {
    const rows = rowsOf('box');
    const row = rows.get(name);
    expect(neededBy(name).filter((needed) => !(Number(rows.get(needed)) > Number(row)))).toEqual([]);
  });
});

test('files that the page names exist', () => {
  const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
  const paths = [...page.matchAll(/`((?:packages|apps|docs|benchmarks|tooling)\/[^`\s]*)`/g)].map(
    ([, path]) => String(path),
  );
  expect(paths.length).toBeGreaterThan(40);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
