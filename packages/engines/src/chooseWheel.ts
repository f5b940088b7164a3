import { compareVersions, type Surroundings } from '@beit/installed';
import type { IndexFile } from './simpleIndex';
import { versionFits } from './versions';

/** What a wheel must fit. */
export type WheelPlatform = Pick<Surroundings, 'platform' | 'arch' | 'glibc'>;

export interface Wheel extends IndexFile {
  readonly version: string;
  readonly sha256: string;
}

/** Wheels by name, and their sha256. */
export type KnownWheels = Readonly<Record<string, string>>;

/** Which wheels are taken. */
export interface WheelTrust {
  readonly known?: KnownWheels;
  /** Those of releases that are not known: taken by the sha256 that the index gives, or refused. Default: taken. */
  readonly others?: 'take' | 'refuse';
}

/**
 * The wheel to take for its native libraries, whatever Python it is for: of the version asked for, for this
 * platform, not withdrawn, and with a known sha256. Of a known release only known wheels are taken, and known ones before
 * those of other releases, whose sha256 is the index's word.
 *
 * @param version a release (`2026.4.1`), the beginning of one (`2026.4`) or a range (`>=12.5,<13`), of which the newest
 * is taken
 * @throws with the versions that would fit, when none does; where the index offers known names with other content, or
 * none that is known and `others` are refused
 */
export function chooseWheel(
  files: readonly IndexFile[],
  project: string,
  version: string,
  machine: WheelPlatform,
  { known = {}, others = 'take' }: WheelTrust = {},
): Wheel {
  const candidates = files.flatMap((file) => {
    const wheel = parseWheelName(file.filename);
    return wheel && !file.yanked && isRelease(wheel.version) ? [{ ...file, ...wheel }] : [];
  });
  const fitting = candidates.filter(({ platforms }) => platforms.some((tag) => platformFits(tag, machine)));
  const wanted = fitting
    .filter((wheel) => versionFits(wheel.version, version))
    .sort((a, b) => compareVersions(b.version, a.version) || compareNames(b.filename, a.filename));
  const isKnown = ({ filename }: IndexFile) => Object.hasOwn(known, filename);
  const releases = new Set(Object.keys(known).map(releaseOf));
  const trusted = [
    ...wanted.filter(isKnown),
    ...(others === 'take' ? wanted.filter(({ filename }) => !releases.has(releaseOf(filename))) : []),
  ];
  for (const wheel of trusted) {
    const expected = known[wheel.filename];
    const { sha256 = expected } = wheel;
    if (sha256 === undefined) continue;
    if (expected === undefined || sha256 === expected) return { ...wheel, sha256 };
    throw new Error(
      `The index says that ${wheel.filename} has the sha256 ${sha256}; the one of its release is ${expected}. Nothing was ` +
        'installed; another index may have the right one.',
    );
  }
  const described = `${machine.platform} ${machine.arch}${machine.glibc ? ` with glibc ${machine.glibc.join('.')}` : ''}`;
  if (trusted.length > 0) {
    throw new Error(
      `The index gives no sha256 for ${trusted[0]!.filename}, so it can't be checked; another index may.`,
    );
  }
  if (wanted.length > 0) {
    throw new Error(
      `The index has no wheel of ${project} ${version} for ${described} whose content is known here; it has ` +
        `${wanted[0]!.filename}. Another index may; --version takes any other release on the index's word.`,
    );
  }
  const versions = [...new Set(fitting.map((wheel) => wheel.version))].sort(compareVersions).slice(-8);
  throw new Error(
    `The index has no ${project} ${version} for ${described}. ` +
      (versions.length > 0 ? `It has for it: ${versions.join(', ')}.` : `It has none for it in any version.`),
  );
}

/** `jax_cuda13_pjrt-0.11.2` of a wheel's name. */
const releaseOf = (filename: string): string =>
  filename.split('-', 2).join('-').toLowerCase().replaceAll('.', '_');

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
