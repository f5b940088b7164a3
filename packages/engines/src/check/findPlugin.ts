import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { driverFits, findPjrt, here, PJRT_DEVICES, PJRT_PLUGINS, type PjrtDevice } from '@beit/installed';
import { ask } from './ask';
import type { CheckOptions } from './options';

/** The plugin that is checked. */
export interface FoundPlugin {
  readonly library: string;
  readonly device: PjrtDevice;
}

/**
 * The plugin that was named, that of the Python that was named, or the best that `findPjrt` finds.
 *
 * @throws where there is none
 */
export async function findPlugin({ device, plugin, python }: CheckOptions): Promise<FoundPlugin> {
  const known = device === undefined ? {} : { device };
  const ofPython = plugin === undefined && python !== undefined ? await inPython(python, device) : undefined;
  const found = ofPython ?? (await findPjrt({ ...known, ...(plugin !== undefined && { plugin }) }));
  if (found) return found;
  throw new Error(
    `There is no XLA plugin here${device ? ` for ${device}` : ''}. 'npx @beit/engines install xla --cuda' (or --rocm, --tpu, ` +
      '--oneapi, --cpu) brings one; --python PROGRAM names a Python that has one, --plugin PATH the file itself.',
  );
}

/** In the order of `findPjrt`. */
async function inPython(python: string, device: PjrtDevice | undefined): Promise<FoundPlugin | undefined> {
  const question = 'import sys; print(*(p for p in sys.path if p), sep="\\n")';
  const folders = (await ask(python, ['-c', question])).split(/\r?\n/).filter((line) => line !== '');
  const surroundings = here();
  for (const one of device === undefined ? PJRT_DEVICES : [device]) {
    for (const plugin of PJRT_PLUGINS) {
      if (plugin.device !== one || (plugin.cuda && !driverFits(plugin.cuda, surroundings))) continue;
      for (const folder of folders) {
        const library = join(folder, plugin.file);
        if (
          await access(library).then(
            () => true,
            () => false,
          )
        )
          return { library, device: one };
      }
    }
  }
  return undefined;
}
