import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const DOCS = new URL('../../docs/', import.meta.url);
const BIOME = fileURLToPath(new URL('../../node_modules/@biomejs/biome/bin/biome', import.meta.url));

export interface PublishOptions {
  /** Print the report as one JSON object, instead of the table. */
  readonly json: boolean;
  /** Also keep the report in `docs/performance/NAME.json`, and put the table into the page. */
  readonly write: boolean;
}

/** Where it is published, and whether it may be. */
export interface Publication extends PublishOptions {
  /** The page of the documentation where the table has its place. Default `performance.md`. */
  readonly page?: string;
  /** What is wrong with the numbers. They are printed all the same, but do not get into the documentation. */
  readonly faults?: readonly string[];
}

/**
 * Ends a benchmark: the report on stdout, as JSON or Markdown, and in the documentation if asked for.
 *
 * @throws Error that names the faults, where there are any
 */
export async function publish(
  name: string,
  report: unknown,
  markdown: string,
  { json, write, page = 'performance.md', faults = [] }: Publication,
): Promise<void> {
  console.log(json ? JSON.stringify(report) : markdown);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  if (!write) return;
  await mkdir(new URL('performance/', DOCS), { recursive: true });
  const data = fileURLToPath(new URL(`performance/${name}.json`, DOCS));
  await writeFile(data, JSON.stringify(report));
  const file = fileURLToPath(new URL(page, DOCS));
  await writeFile(file, filled(await readFile(file, 'utf8'), name, markdown, file));
  await promisify(execFile)(process.execPath, [BIOME, 'format', '--write', data, file]);
}

/** The page with `markdown` between the two comments that name the benchmark. */
function filled(page: string, name: string, markdown: string, where: string): string {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0)
    throw new Error(`${where} has no place for this table: add the lines ${begin} and ${end}.`);
  return `${page.slice(0, from + begin.length)}\n\n${markdown}\n\n${page.slice(to)}`;
}
