import { readFileSync } from 'node:fs';
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
  /** The version of NVIDIA's kernel module, `580.65.06`, where it is loaded. */
  readonly nvidiaDriver?: string;
}

/** This process's machine and user. */
export function here(): Surroundings {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  const [major, minor] = header.glibcVersionRuntime?.split('.').map(Number) ?? [];
  const nvidiaDriver = loadedNvidiaDriver();
  return {
    env: process.env,
    platform: process.platform,
    arch: process.arch,
    ...(major !== undefined && minor !== undefined ? { glibc: [major, minor] } : {}),
    home: homedir(),
    ...(nvidiaDriver !== undefined ? { nvidiaDriver } : {}),
  };
}

function loadedNvidiaDriver(): string | undefined {
  try {
    return parseNvidiaDriver(readFileSync('/proc/driver/nvidia/version', 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * The version in `/proc/driver/nvidia/version`: `NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  …`, of the
 * open module `… UNIX Open Kernel Module for x86_64  580.65.06  Release Build …`.
 */
export const parseNvidiaDriver = (text: string): string | undefined =>
  /Kernel Module(?: for \S+)?\s+(\d+(?:\.\d+)+)/.exec(text)?.[1];
