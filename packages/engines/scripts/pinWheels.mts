/**
 * Writes `src/knownWheels.ts`: the wheels that installations of the tested releases bring, with the sha256 that the configured
 * index gives for them today. From the root: `node --conditions=@beit/source --import tsx packages/engines/scripts/pinWheels.mts`
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchBytes } from '@beit/download';
import { here, PJRT_PLUGINS } from '@beit/installed';
import { chooseWheel } from '../src/chooseWheel';
import { OPENVINO_VERSION } from '../src/installOpenvino';
import { isUsedByTensorflow, TENSORFLOW_VERSIONS } from '../src/installTensorflow';
import { librariesOf, pythonOf, XLA_VERSIONS } from '../src/installXla';
import { pipConfig } from '../src/pipConfig';
import { indexFiles } from '../src/simpleIndex';
import { requirementsOfExtra } from '../src/versions';

const { indexUrl } = await pipConfig(here());
const known = new Map<string, string>();

const LINUX = ['x64', 'arm64'].map((arch) => ({ platform: 'linux', arch, glibc: [2, 99] as const }));
const EVERYWHERE = [...LINUX, { platform: 'darwin', arch: 'arm64' }, { platform: 'win32', arch: 'x64' }];

/** Pins all wheels for these machines of the release that would be taken, for whichever Python; one of them. */
async function pin(project: string, version: string, machines: readonly (typeof EVERYWHERE)[number][]) {
  const files = await indexFiles(indexUrl, project);
  let taken: ReturnType<typeof chooseWheel> | undefined;
  for (const machine of machines) {
    for (let left = files; ; ) {
      let wheel: ReturnType<typeof chooseWheel>;
      try {
        wheel = chooseWheel(left, project, taken?.version ?? version, machine);
      } catch {
        break; // No other one fits.
      }
      taken ??= wheel;
      known.set(wheel.filename, wheel.sha256);
      left = left.filter(({ filename }) => filename !== wheel.filename);
      if (wheel.version !== taken.version) break;
    }
  }
  if (!taken) throw new Error(`There is no ${project} ${version}.`);
  return taken;
}

/** A wheel's METADATA, which an index has beside it (PEP 658). */
const metadataOf = async ({ url }: { readonly url: string }) =>
  new TextDecoder().decode(
    (await fetchBytes(`${url}.metadata`, { accept: '*/*', mostBytes: 2 ** 24 })).bytes,
  );

await pin('openvino', OPENVINO_VERSION, EVERYWHERE);
await pin('tensorflow-cpu', TENSORFLOW_VERSIONS.cpu, LINUX.slice(0, 1));
await pin('tensorflow', TENSORFLOW_VERSIONS.cpu, LINUX.slice(1));
const tensorflow = await pin('tensorflow', TENSORFLOW_VERSIONS.gpu, LINUX.slice(0, 1));
for (const needed of requirementsOfExtra(await metadataOf(tensorflow), 'and-cuda').filter(
  isUsedByTensorflow,
)) {
  await pin(needed.project, needed.versions, LINUX.slice(0, 1));
}
const folder = await mkdtemp(join(tmpdir(), 'pin-wheels-'));
for (const plugin of PJRT_PLUGINS) {
  const { device, project } = plugin;
  const version = XLA_VERSIONS[device];
  await pin(project, version, LINUX);
  const libraries = await librariesOf(plugin, version, folder);
  if (libraries.length > 0) await pin(pythonOf(plugin), version, LINUX);
  for (const needed of libraries) await pin(needed.project, needed.versions, LINUX);
}
await rm(folder, { recursive: true });

const lines = [...known]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, hash]) => `  '${name}': '${hash}',\n`);
await writeFile(
  new URL('../src/knownWheels.ts', import.meta.url),
  `// Written by scripts/pinWheels.mts.
import type { KnownWheels } from './chooseWheel';

/** The wheels of the releases that this package is tested with, and of what those need: an index can't hand out others. */
export const KNOWN_WHEELS: KnownWheels = {
${lines.join('')}};
`,
);
console.log(`${known.size} wheels`);
