import { join } from 'node:path';
import { engineFolder, here, type Surroundings } from '@beit/installed';
import { isInstalled } from './isInstalled';
import { replaceEngine } from './replaceEngine';
import { unpackZip } from './unpackZip';
import { type InstallOptions, wheelOptions, withWheel } from './withWheel';

/** The release that this package is tested with. */
export const OPENVINO_VERSION = '2026.4.1';

/** Bytes: wheels have up to 90 MB; the files that are kept, 90 MB. */
const LARGEST_WHEEL = 512 * 2 ** 20;
const LARGEST_UNPACKED = 1024 * 2 ** 20;

/**
 * The runtime with its C interface, the CPU plugin, the reader of OpenVINO's own format, and the threads they run
 * on; without the plugins and readers that are not used.
 */
const NEEDED =
  /^(?:lib)?(?:openvino|openvino_c|openvino_intel_cpu_plugin|openvino_arm_cpu_plugin|openvino_ir_frontend|tbb\w*|hwloc)(?:[.-][\w.-]*)?\.(?:so|dylib|dll)(?:\.[\d.]+)?$/;

/** The place in the engine's folder for a file of the wheel, or `undefined` for one that is not needed. */
export function selectOpenvinoFile(name: string): string | undefined {
  const library = /^openvino\/libs\/([^/]+)$/.exec(name)?.[1];
  if (library !== undefined) return NEEDED.test(library) ? join('libs', library) : undefined;
  const license = /^openvino-[^/]+\.dist-info\/licenses\/(.+)$/.exec(name)?.[1];
  return license === undefined ? undefined : join('licenses', license);
}

/**
 * Brings OpenVINO's CPU runtime from the package index into the user's cache, in place of another version that is
 * there. Nothing is fetched when this version is, and is whole.
 *
 * @param version a release (`2026.4.1`) or the beginning of one (`2026.4`)
 * @returns the engine's folder
 */
export async function installOpenvino(
  { version: asked, ...given }: InstallOptions & { readonly version?: string } = {},
  surroundings: Surroundings = here(),
): Promise<string> {
  const version = asked ?? OPENVINO_VERSION;
  const options = wheelOptions(given, asked);
  if (await isInstalled('openvino', (there) => there.version === version, options, surroundings)) {
    return engineFolder('openvino', surroundings);
  }
  return replaceEngine(
    'openvino',
    (folder) =>
      withWheel(
        'openvino',
        version,
        LARGEST_WHEEL,
        async ({ path, wheel }) => {
          options.onMessage?.('Unpacking');
          const files = await unpackZip(path, folder, {
            select: selectOpenvinoFile,
            largest: LARGEST_UNPACKED,
            signal: options.signal,
          });
          if (!files.some((file) => /openvino_c\b/.test(file))) {
            throw new Error(
              `${wheel.filename} holds no OpenVINO C library where it was expected (openvino/libs).`,
            );
          }
          return { version: wheel.version, file: wheel.filename, sha256: wheel.sha256 };
        },
        options,
        surroundings,
      ),
    surroundings,
  );
}
