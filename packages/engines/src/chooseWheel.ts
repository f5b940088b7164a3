import { compareVersions, type Surroundings } from '@beit/installed';
import type { IndexFile } from './simpleIndex';
import { versionFits } from './versions';

/** What a wheel must fit. */
export type WheelPlatform = Pick<Surroundings, 'platform' | 'arch' | 'glibc'>;

export interface Wheel extends IndexFile {
  readonly version: string;
  readonly sha256: string;
}

/**
 * The wheel to take for its native libraries, whatever Python it is for: of the version asked for, for this
 * platform, not withdrawn, and with a sha256.
 *
 * @param version a release (`2026.4.1`), the beginning of one (`2026.4`) or a range (`>=12.5,<13`), of which the newest
 * is taken
 * @throws with the versions that would fit, when none does
 */
export function chooseWheel(
  files: readonly IndexFile[],
  project: string,
  version: string,
  machine: WheelPlatform,
): Wheel {
  const candidates = files.flatMap((file) => {
    const wheel = parseWheelName(file.filename);
    return wheel && !file.yanked && isRelease(wheel.version) ? [{ ...file, ...wheel }] : [];
  });
  const fitting = candidates.filter(({ platforms }) => platforms.some((tag) => platformFits(tag, machine)));
  const wanted = fitting
    .filter((wheel) => versionFits(wheel.version, version))
    .sort((a, b) => compareVersions(b.version, a.version) || compareNames(b.filename, a.filename));
  for (const { sha256, ...wheel } of wanted) if (sha256 !== undefined) return { ...wheel, sha256 };
  const described = `${machine.platform} ${machine.arch}${machine.glibc ? ` with glibc ${machine.glibc.join('.')}` : ''}`;
  if (wanted.length > 0) {
    throw new Error(
      `The index gives no sha256 for ${wanted[0]!.filename}, so it can't be checked; another index may.`,
    );
  }
  const versions = [...new Set(fitting.map((wheel) => wheel.version))].sort(compareVersions).slice(-8);
  throw new Error(
    `The index has no ${project} ${version} for ${described}. ` +
      (versions.length > 0 ? `It has for it: ${versions.join(', ')}.` : `It has none for it in any version.`),
  );
}

/** `name-version(-build)?-python-abi-platforms.whl`, PEP 427. */
function parseWheelName(filename: string): { version: string; platforms: string[] } | undefined {
  const match = /^[^-]+-([^-]+)(?:-\d[^-]*)?-[^-]+-([^-]+)-([^-]+)\.whl$/.exec(filename);
  return match ? { version: match[1]!, platforms: match[3]!.split('.') } : undefined;
}

const isRelease = (version: string): boolean => /^\d+(?:\.\d+)*(?:\.post\d+)?$/.test(version);

const MACHINES: Readonly<Record<string, readonly string[]>> = {
  x64: ['x86_64', 'amd64', 'universal2'],
  arm64: ['aarch64', 'arm64', 'universal2'],
};
/** PEP 600's names of the older tags. */
const OLD_MANYLINUX: Readonly<Record<string, string>> = {
  manylinux1: 'manylinux_2_5',
  manylinux2010: 'manylinux_2_12',
  manylinux2014: 'manylinux_2_17',
};

/** Whether a wheel's platform tag (`manylinux_2_28_x86_64`, `macosx_11_0_arm64`, `win_amd64`) is for this machine. */
export function platformFits(tag: string, { platform, arch, glibc }: WheelPlatform): boolean {
  const modern = tag.replace(/^manylinux(?:1|2010|2014)(?=_)/, (old) => OLD_MANYLINUX[old]!);
  const [, system, major, minor, machine] =
    /^(manylinux|macosx|win)(?:_(\d+)_(\d+))?_(\w+)$/.exec(modern) ?? [];
  if (!machine || !MACHINES[arch]?.includes(machine)) return false;
  if (system === 'win') return platform === 'win32';
  if (system === 'macosx') return platform === 'darwin';
  if (platform !== 'linux' || !glibc) return false;
  return Number(major) < glibc[0] || (Number(major) === glibc[0] && Number(minor) <= glibc[1]);
}

const compareNames = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
