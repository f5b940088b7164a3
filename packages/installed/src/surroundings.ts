import { homedir } from 'node:os';

/** What the machine says of itself; handed in, so that tests can speak of any machine. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  /** As Node names it: `x64`, `arm64`. */
  readonly arch: string;
  /** `[2, 35]`; Linux without it has another C library, for which there are no wheels of ours. */
  readonly glibc?: readonly [number, number];
  readonly home: string;
}

/** This process's machine and user. */
export function here(): Surroundings {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  const [major, minor] = header.glibcVersionRuntime?.split('.').map(Number) ?? [];
  return {
    env: process.env,
    platform: process.platform,
    arch: process.arch,
    ...(major !== undefined && minor !== undefined ? { glibc: [major, minor] } : {}),
    home: homedir(),
  };
}
