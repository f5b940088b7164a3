/**
 * The configuration that mmsegmentation and its kin write into a checkpoint: the text of a Python file of assignments such
 * as `model = dict(backbone=dict(out_indices=[3, 5, 7, 11]))` (mmengine, config/config.py, `pretty_text`).
 */
import type { JsonObject } from './readJson';

/** That of a released segmenter has 5 kB. */
const MAX_LENGTH = 2 ** 20;
const MAX_DEPTH = 64;

const SPACE = /(?:\s|#[^\n]*)*/y;
const TOKEN =
  /(?<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")|(?<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?<name>[A-Za-z_]\w*)|(?<mark>[=(){}[\],:])/y;
const CONSTANTS: ReadonlyMap<string, unknown> = new Map([
  ['True', true],
  ['False', false],
  ['None', null],
]);

/**
 * The assignments as data: names, `dict(...)`, `{...}`, lists, tuples and literals are understood, and nothing is run.
 *
 * @returns undefined where the text has anything else
 */
export function pythonConfig(source: string): JsonObject | undefined {
  if (source.length > MAX_LENGTH) return undefined;
  const tokens = tokensOf(source);
  let at = 0;
  const taken = (mark: string) => tokens?.[at]?.mark === mark && ++at > 0;
  const unexpected = () => new SyntaxError('no plain data');

  /** What stands between brackets, separated by commas; the opening one is behind. */
  function items<T>(end: string, item: () => T): T[] {
    const all: T[] = [];
    while (!taken(end)) {
      all.push(item());
      if (!taken(',') && tokens?.[at]?.mark !== end) throw unexpected();
    }
    return all;
  }
  const entry = (separator: string, depth: number) => (): [string, unknown] => {
    const { name, text } = tokens?.[at++] ?? {};
    const key = separator === '=' ? name : text;
    if (key === undefined || !taken(separator)) throw unexpected();
    return [key, value(depth + 1)];
  };
  function value(depth: number): unknown {
    const token = tokens?.[at++];
    if (!token || depth > MAX_DEPTH) throw unexpected();
    const { text, number, name, mark } = token;
    if (text !== undefined) return text;
    if (number !== undefined) return number;
    if (name !== undefined && CONSTANTS.has(name)) return CONSTANTS.get(name);
    if (name === 'dict' && taken('(')) return Object.fromEntries(items(')', entry('=', depth)));
    if (mark === '{') return Object.fromEntries(items('}', entry(':', depth)));
    const end = mark === '[' ? ']' : mark === '(' ? ')' : undefined;
    if (end === undefined) throw unexpected();
    return items(end, () => value(depth + 1));
  }
  try {
    const out: [string, unknown][] = [];
    while (!tokens || at < tokens.length) out.push(entry('=', 0)());
    return Object.fromEntries(out);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

interface Token {
  readonly text?: string;
  readonly number?: number;
  readonly name?: string;
  readonly mark?: string;
}

function tokensOf(source: string): Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; ; ) {
    SPACE.lastIndex = at;
    at += SPACE.exec(source)?.[0].length ?? 0;
    if (at === source.length) return tokens;
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(source);
    if (!match) return undefined;
    at += match[0].length;
    const { text, number, name, mark } = match.groups!;
    tokens.push({
      ...(text !== undefined && { text: text.slice(1, -1).replace(/\\(.)/g, '$1') }),
      ...(number !== undefined && { number: Number(number) }),
      ...(name !== undefined && { name }),
      ...(mark !== undefined && { mark }),
    });
  }
}
