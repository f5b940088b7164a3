import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { here, type Surroundings } from '@beit/installed';

/** Where pip would fetch packages from. */
export interface PipConfig {
  /** The simple repository API, without a slash at the end. */
  readonly indexUrl: string;
  /** A file of certificates (PEM) to trust as well. */
  readonly cert?: string;
}

const PYPI = 'https://pypi.org/simple';

/**
 * pip's index and certificates: `PIP_INDEX_URL` and `PIP_CERT`, else pip's configuration files (global, user, virtual
 * environment, `PIP_CONFIG_FILE`; the later wins), else PyPI. Options of `[install]` win over those of `[global]`.
 * Reference: https://pip.pypa.io/en/stable/topics/configuration/
 */
export async function pipConfig(surroundings: Surroundings = here()): Promise<PipConfig> {
  const { env } = surroundings;
  const options: Record<string, string> = {};
  const installOptions: Record<string, string> = {};
  for (const path of configFiles(surroundings)) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const sections = parseIni(text);
    Object.assign(options, sections.global);
    Object.assign(installOptions, sections.install);
  }
  const get = (key: string) =>
    env[`PIP_${key.toUpperCase().replaceAll('-', '_')}`] || installOptions[key] || options[key];
  const cert = get('cert');
  return { indexUrl: (get('index-url') ?? PYPI).replace(/\/+$/, ''), ...(cert ? { cert } : {}) };
}

function configFiles({ env, platform, home }: Surroundings): string[] {
  const virtualEnv = env.VIRTUAL_ENV;
  const windows = platform === 'win32';
  const file = windows ? 'pip.ini' : 'pip.conf';
  // pip reads no other file when PIP_CONFIG_FILE is the null device.
  if (env.PIP_CONFIG_FILE === (windows ? 'nul' : '/dev/null')) return [];
  const global = {
    win32: [join(env.PROGRAMDATA ?? 'C:\\ProgramData', 'pip', file)],
    darwin: ['/Library/Application Support/pip/pip.conf'],
  }[platform as string] ?? [
    ...(env.XDG_CONFIG_DIRS ?? '/etc/xdg').split(':').map((folder) => join(folder, 'pip', file)),
    '/etc/pip.conf',
  ];
  const userFolders = {
    win32: [join(env.APPDATA ?? join(home, 'AppData', 'Roaming'), 'pip')],
    darwin: [join(home, '.config', 'pip'), join(home, 'Library', 'Application Support', 'pip')],
  }[platform as string] ?? [join(env.XDG_CONFIG_HOME ?? join(home, '.config'), 'pip')];
  const user = [join(home, windows ? 'pip' : '.pip'), ...userFolders].map((folder) => join(folder, file));
  return [
    ...global,
    ...user,
    ...(virtualEnv ? [join(virtualEnv, file)] : []),
    ...(env.PIP_CONFIG_FILE ? [env.PIP_CONFIG_FILE] : []),
  ];
}

/** Sections of `key = value` lines, as Python's configparser reads the ones that matter here. */
function parseIni(text: string): Record<string, Record<string, string>> {
  const sections: Record<string, Record<string, string>> = {};
  let section: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\[([^\]]+)\]\s*$/.exec(line);
    const option = /^([^\s#;=:][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (heading) {
      section = sections[heading[1]!] ??= {};
    } else if (option) {
      section[option[1]!.toLowerCase().replaceAll('_', '-')] = option[2]!;
    }
  }
  return sections;
}
