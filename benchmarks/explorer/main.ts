import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { describeMachine, machineLine, markdownTable, median } from '@beit/measurements';
import { servePage } from '../../apps/explorer/scripts/servePage';
import { launchChromium } from '../../tooling/browser/launchChromium';
import { integer, publishedCommandLine } from '../shared/commandLine';
import { publish } from '../shared/publish';

const HELP = `Usage: pnpm bench:explorer [options]

What the explorer weighs as it is published, and how soon it can be used, in headless Chromium on this machine with
nothing in its cache. Takes the Chromium on the path, or that of CHROME_PATH. Half a minute.

  --visits N       whose median is shown (default: 7)`;

const values = publishedCommandLine(
  HELP,
  {
    visits: { type: 'string', default: '7' },
  },
  'explorer.md',
);
const visits = integer(values.visits, 'visits', 1);

/** What files are for: each is what the first of these patterns says. */
const PARTS: readonly (readonly [part: string, files: RegExp])[] = [
  ['WebAssembly of onnxruntime', /ort-wasm/],
  ['model and tokenizer, in half precision', /\.safetensors$/],
  ['charts, when they are asked for', /RunsView|metrics\.jsonl$/],
  ['the worker', /worker-.*\.js$/],
  ['pictures to begin with', /\.webp$/],
  ['the page', /./],
];

interface Weight {
  readonly part: string;
  readonly bytes: number;
  readonly gzipBytes: number;
}

/** The weights of the files in the folder and below. */
async function weigh(folder: string): Promise<Weight[]> {
  const compress = promisify(gzip);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const weights = new Map<string, Weight>();
  for (const file of files) {
    const [part] = PARTS.find(([, pattern]) => pattern.test(file.slice(folder.length)))!;
    const content = await readFile(file);
    const { bytes, gzipBytes } = weights.get(part) ?? { bytes: 0, gzipBytes: 0 };
    const compressed = (await compress(content)).length;
    weights.set(part, { part, bytes: bytes + content.length, gzipBytes: gzipBytes + compressed });
  }
  return [...weights.values()].sort((a, b) => b.bytes - a.bytes);
}

interface Visit {
  /** Until its controls are there. */
  readonly usableSeconds: number;
  /** Until the attention of the first picture is shown: the model has come and has run. */
  readonly attentionSeconds: number;
}

type Browser = Awaited<ReturnType<typeof launchChromium>>;

async function visit(browser: Browser, url: string): Promise<Visit> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const start = performance.now();
    const since = () => (performance.now() - start) / 1000;
    await page.goto(url, { waitUntil: 'commit' });
    await page.getByRole('tab', { name: 'Attention' }).waitFor();
    const usableSeconds = since();
    await page.getByText(/blocks of \d+ heads in \d+ ms/).waitFor();
    return { usableSeconds, attentionSeconds: since() };
  } finally {
    await context.close();
  }
}

const browser = await launchChromium();
const served = await servePage();
const runs: Visit[] = [];
let weights: Weight[];
let browserVersion: string;
try {
  weights = await weigh(served.folder);
  browserVersion = browser.version();
  for (let i = 0; i < visits; i++) {
    console.error(`Visit ${i + 1} of ${visits}`);
    runs.push(await visit(browser, served.url));
  }
} finally {
  await browser.close();
  served.close();
}

const summary = {
  usableSeconds: median(runs.map(({ usableSeconds }) => usableSeconds)),
  attentionSeconds: median(runs.map(({ attentionSeconds }) => attentionSeconds)),
};
const machine = describeMachine();
const command = `pnpm bench:explorer --visits ${visits}`;
const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;
const markdown = [
  markdownTable(
    weights.map(({ part, bytes, gzipBytes }) => ({
      what: part,
      size: kilobytes(bytes),
      gzip: kilobytes(gzipBytes),
    })),
  ),
  '',
  `The page can be used after ${summary.usableSeconds.toFixed(1)} s, and shows the first picture's attention after ${summary.attentionSeconds.toFixed(1)} s.`,
  '',
  `\`${command}\`; ${machineLine(machine)}, Chromium ${browserVersion}; served from this machine. Medians of ${visits} visits, nothing cached.`,
].join('\n');
await publish('explorer', { command, machine, browserVersion, summary, weights, runs }, markdown, {
  json: values.json,
  write: values.write,
  page: 'explorer.md',
});
