import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PipConfig, pipConfig } from '../src/pipConfig';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'beit-pip-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const machine = (env: Record<string, string>) =>
  ({ env: { XDG_CONFIG_DIRS: home, ...env }, platform: 'linux', arch: 'x64', home }) as const;
const read = async (env: Record<string, string> = {}): Promise<PipConfig> => {
  const config = await pipConfig(machine(env));
  // This machine's own /etc/pip.conf takes part, as it does in pip.
  return { indexUrl: config.indexUrl };
};

test('files in pip’s order, then the environment', async () => {
  const write = async (folder: string, name: string, text: string) => {
    await mkdir(join(home, folder), { recursive: true });
    await writeFile(join(home, folder, name), text);
  };
  await write(
    '.config/pip',
    'pip.conf',
    '[global]\n# index-url = https://no\nindex-url = https://user/simple/\ncert: /a.pem\n',
  );
  expect((await pipConfig(machine({}))).cert).toBe('/a.pem');
  expect(await read()).toEqual({ indexUrl: 'https://user/simple' });
  await write(
    'venv',
    'pip.conf',
    '[global]\nindex_url=https://venv/simple\n[freeze]\nindex-url = https://no\n',
  );
  const env = { VIRTUAL_ENV: join(home, 'venv') };
  expect(await read(env)).toEqual({ indexUrl: 'https://venv/simple' });
  await write(
    '.',
    'mine.conf',
    '[install]\nindex-url = https://install/simple\n[global]\nindex-url = https://no\n',
  );
  const own = { ...env, PIP_CONFIG_FILE: join(home, 'mine.conf') };
  expect(await read(own)).toEqual({ indexUrl: 'https://install/simple' });
  expect(await read({ ...own, PIP_INDEX_URL: 'https://env/simple' })).toEqual({
    indexUrl: 'https://env/simple',
  });
  expect(await pipConfig(machine({ PIP_CONFIG_FILE: '/dev/null' }))).toEqual({
    indexUrl: 'https://pypi.org/simple',
  });
});
