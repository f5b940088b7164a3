import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const DOCS = new URL('../../docs/', import.meta.url);

export interface PublishOptions {
  /** Print the report as one JSON object, instead of the table. */
  readonly json: boolean;
  /** Also keep the report in `docs/performance/NAME.json`, and put the table into the page. */
  readonly write: boolean;
}

/**
 * Ends a benchmark: the report on stdout, as JSON or Markdown, and in the documentation if asked for.
 *
 * @param page of the documentation, where the table has its place
 */
export async function publish(
  name: string,
  report: unknown,
  markdown: string,
  { json, write }: PublishOptions,
  page = 'performance.md',
): Promise<void> {
  console.log(json ? JSON.stringify(report) : markdown);
  if (!write) return;
  await mkdir(new URL('performance/', DOCS), { recursive: true });
  await writeFile(new URL(`performance/${name}.json`, DOCS), `${JSON.stringify(report, null, 1)}\n`);
  const file = new URL(page, DOCS);
  await writeFile(file, filled(await readFile(file, 'utf8'), name, markdown, fileURLToPath(file)));
}

/** The page with `markdown` between the two comments that name the benchmark. */
export function filled(page: string, name: string, markdown: string, where: string): string {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0)
    throw new Error(`${where} has no place for this table: add the lines ${begin} and ${end}.`);
  return `${page.slice(0, from + begin.length)}\n\n${markdown}\n\n${page.slice(to)}`;
}
