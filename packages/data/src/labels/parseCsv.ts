import { type Fail, failIn, type LabelRow, type LabelTable, shown } from './labelTable';

const DELIMITERS = [',', '\t', ';'] as const;
const MOST_COLUMNS = 30_000;

/**
 * A table with a header, in CSV as RFC 4180 has it, or divided by tabs or semicolons, as the header shows. White space around
 * fields is left out, empty lines are passed over.
 *
 * @param path for messages
 * @throws with the line and what is wrong: another number of fields than the header's, a quotation mark that is not closed
 */
export function parseCsv(text: string, path: string): LabelTable {
  const fail = failIn(path, 'line');
  const [header, ...rows] = records(text, delimiterOf(text), fail);
  if (!header) throw new Error(`${path} is empty; expected a header such as file_name,label.`);
  const columns = header.fields as readonly string[];
  if (columns.length < 2)
    fail(
      header.line,
      `the header has one column, ${shown(columns[0]!)}; expected two or more, divided by commas, tabs or semicolons.`,
    );
  if (columns.length > MOST_COLUMNS)
    fail(header.line, `the header has ${columns.length} columns; expected at most ${MOST_COLUMNS}.`);
  for (const { line, fields } of rows)
    if (fields.length !== columns.length)
      fail(line, `${fields.length} fields; expected ${columns.length}, as in the header.`);
  return { columns, rows, unit: 'line' };
}

/** The one that divides the header most often. */
function delimiterOf(text: string): string {
  const [header = ''] = /^[^\r\n]*/.exec(text.trimStart()) ?? [];
  const times = (delimiter: string) => header.split(delimiter).length;
  return DELIMITERS.reduce((best, other) => (times(other) > times(best) ? other : best));
}

function records(text: string, delimiter: string, fail: Fail): LabelRow[] {
  const rows: LabelRow[] = [];
  const isBreak = (at: number) => at >= text.length || text[at] === '\n' || text[at] === '\r';
  let [at, line] = [0, 1];
  while (at < text.length) {
    const first = line;
    const fields: string[] = [];
    for (;;) {
      while (text[at] === ' ') at++;
      if (text[at] === '"') {
        const [value, end] = quoted(text, at, () => fail(first, 'a quotation mark is not closed.'));
        line += value.match(/\r\n?|\n/g)?.length ?? 0;
        at = end;
        while (text[at] === ' ') at++;
        if (!isBreak(at) && text[at] !== delimiter)
          fail(line, `${shown(text.slice(at, at + 20))} stands behind a closing quotation mark.`);
        fields.push(value.trim());
      } else {
        const from = at;
        while (!isBreak(at) && text[at] !== delimiter) at++;
        fields.push(text.slice(from, at).trim());
      }
      if (text[at] !== delimiter) break;
      at++;
    }
    at += text.startsWith('\r\n', at) ? 2 : 1;
    line++;
    if (fields.length > 1 || fields[0] !== '') rows.push({ line: first, fields });
  }
  return rows;
}

/** The value that begins with the quotation mark at `from`, and where it has ended. */
function quoted(text: string, from: number, unclosed: () => never): [string, number] {
  let at = from + 1;
  for (;;) {
    const mark = text.indexOf('"', at);
    if (mark === -1) return unclosed();
    if (text[mark + 1] !== '"') return [text.slice(from + 1, mark).replaceAll('""', '"'), mark + 1];
    at = mark + 2;
  }
}
