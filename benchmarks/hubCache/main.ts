/** Whether the cache of the Hub is shared with Python: what one brings, the other finds and does not fetch again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkpointFiles, hubSnapshot, parseHubName } from '@beit/hub';
import { runJson } from '@beit/measurements';
import { hubServer } from '../../packages/hub/test/hubServer';
import { commandLine, fail } from '../shared/commandLine';
import { pythonEnvironment } from '../shared/pythonEnvironment';
import { PYTHON_OPTION } from '../shared/stepOptions';

const PEER = fileURLToPath(new URL('./peer.py', import.meta.url));

const values = commandLine(
  `Usage: pnpm parity:hub [options]

Brings a repository from a server on this machine that speaks the Hub's API, with @beit/hub and with Python's
huggingface_hub, each after the other: what is in the cache must not be fetched again, and have the same path.

  --python         ${PYTHON_OPTION.python.help} (default: ${PYTHON_OPTION.python.default})
  --help           this text`,
  { python: { type: 'string', default: PYTHON_OPTION.python.default } },
);
const environment = await pythonEnvironment(values.python);
if ('absent' in environment) fail(`huggingface_hub can't run: ${environment.absent}.`);
const { python } = environment;

const name = parseHubName('owner/name', 'model')!;
const files = {
  'config.json': Buffer.from('{"model_type": "beit"}'),
  'model.safetensors': Uint8Array.from({ length: 300_000 }, (_, i) => i * 7),
};
const server = await hubServer({ files });

interface Brought {
  readonly version: string;
  readonly folder: string;
}

const ours = async (cache: string) =>
  (
    await hubSnapshot(name, {
      select: checkpointFiles,
      environment: { endpoint: server.endpoint, cache, offline: false },
    })
  ).folder;
const theirs = (cache: string, offline = false) => {
  Object.assign(process.env, {
    HF_ENDPOINT: server.endpoint,
    HF_HUB_CACHE: cache,
    HF_HUB_OFFLINE: offline ? '1' : '0',
  });
  return runJson<Brought>(python, [PEER, name.id, ...Object.keys(files)]);
};

let same = true;
function check(what: string, folders: readonly [string, string]): void {
  const fetched = server.asked().filter((request) => /^GET (?!\/api\/)/.test(request));
  const fits = folders[0] === folders[1] && fetched.length === 0;
  same &&= fits;
  console.log(
    `${what.padEnd(40)} ${fits ? 'same path, nothing fetched again' : `FAILED: ${folders.join(' and ')}; ${fetched.join(', ')}`}`,
  );
}

const caches = await Promise.all([1, 2].map(() => mkdtemp(join(tmpdir(), 'hub-cache-'))));
try {
  const [first, second] = caches as [string, string];
  const brought = await ours(first);
  server.asked();
  const { version, folder } = await theirs(first);
  check('ours, then huggingface_hub', [brought, folder]);
  check('ours, then huggingface_hub offline', [brought, (await theirs(first, true)).folder]);
  const python = await theirs(second);
  server.asked();
  check('huggingface_hub, then ours', [python.folder, await ours(second)]);
  console.log(`Node ${process.versions.node}, huggingface_hub ${version}`);
} finally {
  await server.close();
  for (const cache of caches) await rm(cache, { recursive: true });
}
process.exitCode = same ? 0 : 1;
