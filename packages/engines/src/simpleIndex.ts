import { fetchBytes, type HttpOptions } from '@beit/download';

/** A file that the index offers. */
export interface IndexFile {
  readonly filename: string;
  readonly url: string;
  readonly sha256?: string;
  /** Bytes; PEP 503 pages do not say. */
  readonly size?: number;
  /** Withdrawn by its publisher. */
  readonly yanked: boolean;
}

const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';
const ACCEPT = `${JSON_TYPE}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1`;
const LARGEST_PAGE = 64 * 2 ** 20;

/**
 * The files of a project in a simple repository: PEP 691 (JSON) where the index speaks it, PEP 503 (HTML) elsewhere.
 *
 * @throws when the index does not have the project, or the answer can't be read
 */
export async function indexFiles(
  indexUrl: string,
  project: string,
  options: HttpOptions = {},
): Promise<IndexFile[]> {
  const address = `${indexUrl}/${project.toLowerCase().replaceAll(/[-_.]+/g, '-')}/`;
  const page = await fetchBytes(address, { ...options, accept: ACCEPT, mostBytes: LARGEST_PAGE });
  const text = new TextDecoder().decode(page.bytes);
  const files = page.type === JSON_TYPE ? parseJsonPage(text, page.url) : parseHtmlPage(text);
  return files.map((file) => {
    // Relative addresses are relative to the page that was answered, after redirects; credentials stay with the index.
    const url = new URL(file.url, page.url);
    url.hash = '';
    const index = new URL(indexUrl);
    if (url.host === index.host) [url.username, url.password] = [index.username, index.password];
    return { ...file, url: url.href };
  });
}

interface JsonPage {
  readonly files?: readonly {
    readonly filename: string;
    readonly url: string;
    readonly size?: number;
    readonly hashes?: { readonly sha256?: string };
    readonly yanked?: boolean | string;
  }[];
}

function parseJsonPage(text: string, url: string): IndexFile[] {
  let page: JsonPage;
  try {
    page = JSON.parse(text) as JsonPage;
  } catch (cause) {
    throw new Error(`${url} is not the JSON that its type says.`, { cause });
  }
  if (!Array.isArray(page?.files)) throw new Error(`${url} has no list 'files' (PEP 691).`);
  return (page.files as NonNullable<JsonPage['files']>).map((file) => ({
    filename: String(file.filename),
    url: String(file.url),
    ...(typeof file.hashes?.sha256 === 'string' ? { sha256: file.hashes.sha256.toLowerCase() } : {}),
    ...(typeof file.size === 'number' ? { size: file.size } : {}),
    yanked: Boolean(file.yanked),
  }));
}

/** PEP 503 is strict enough for this: one anchor a file, its text the name, `#sha256=` in its address. */
function parseHtmlPage(text: string): IndexFile[] {
  return [...text.matchAll(/<a\s([^>]*)>([^<]*)<\/a\s*>/gi)].flatMap(([, attributes, name]) => {
    const href = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(attributes!);
    if (!href) return [];
    const url = decodeEntities(href[1] ?? href[2]!);
    const sha256 = /#(?:.*&)?sha256=([0-9a-f]{64})(?:&|$)/i.exec(url)?.[1];
    return {
      filename: decodeEntities(name!).trim(),
      url,
      ...(sha256 ? { sha256: sha256.toLowerCase() } : {}),
      yanked: /\bdata-yanked\b/i.test(attributes!),
    };
  });
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&#x27;': "'",
};
const decodeEntities = (text: string): string =>
  text.replaceAll(/&(?:amp|lt|gt|quot|#39|#x27);/gi, (entity) => ENTITIES[entity.toLowerCase()]!);
