import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formatInstallRecord, type Installable } from '@beit/installed';

const root = join(__dirname, '../../..');
let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'beit-cli-'));
});
afterAll(() => rm(cache, { recursive: true }));

/** @returns what the program prints; fails with what it complains of */
async function beitEngine(...args: string[]): Promise<string> {
  const program = ['--conditions=@beit/source', '--import', 'tsx', join(__dirname, '../src/cli.ts')];
  const { stdout } = await promisify(execFile)(process.execPath, [...program, ...args], {
    cwd: root,
    env: { ...process.env, BEIT_CACHE: cache },
  });
  return stdout;
}

test('says what it can do, and what it can’t', async () => {
  expect(await beitEngine('--help')).toMatch(/^Usage: beit-engine COMMAND/);
  await expect(beitEngine()).rejects.toThrow();
  await expect(beitEngine('fetch')).rejects.toThrow(
    /no command 'fetch'. Commands: install, check, list, remove/,
  );
  await expect(beitEngine('install', 'pytorch')).rejects.toThrow(
    /no 'pytorch'; expected openvino or tensorflow or tensorflow-gpu/,
  );
  await expect(beitEngine('install', 'openvino', '--gpu')).rejects.toThrow(/--gpu goes with 'tensorflow'/);
  await expect(beitEngine('install', 'tensorflow', '--cuda12')).rejects.toThrow(/--cuda12 goes with 'xla'/);
  await expect(beitEngine('install', 'xla')).rejects.toThrow(/For which devices\? --cuda, --rocm, --tpu/);
  await expect(beitEngine('install', 'xla', '--cpu', '--tpu')).rejects.toThrow(
    /--cpu and --tpu are too much/,
  );
  await expect(beitEngine('list', '--all')).rejects.toThrow(/There is no option --all; --help tells more\./);
  await expect(beitEngine('install', 'openvino', '--version')).rejects.toThrow(/--version has no value/);
  await expect(beitEngine('install', 'xla', '--cpu=1')).rejects.toThrow(/--cpu is '1', and takes no value/);
  await expect(beitEngine('check', '--small', 'all')).rejects.toThrow(/'all' is too much/);
});

const record = (name: Installable, files = {}) =>
  formatInstallRecord({ name, version: '2.15.1', file: 'a.whl', sha256: '', files });

test('lists and removes what is installed', async () => {
  const folder = join(cache, 'engines', 'tensorflow');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'install.json'), record('tensorflow'));
  const damaged = join(cache, 'engines', 'tensorflow-gpu');
  await mkdir(damaged);
  await writeFile(
    join(damaged, 'install.json'),
    record('tensorflow-gpu', { 'a.so': { bytes: 1, sha256: '' } }),
  );
  await mkdir(join(cache, 'engines', 'openvino'));
  const before = await beitEngine('list');
  expect(before).toMatch(
    /^openvino +unknown .*\n.*damaged: \S+install\.json is missing or damaged; to install it anew: npx @beit\/engines install openvino$/m,
  );
  expect(before).toMatch(/^tensorflow +2\.15\.1 .*\n.*to remove it: npx @beit\/engines remove tensorflow$/m);
  expect(before).toMatch(
    /^tensorflow-gpu +2\.15\.1 .*\n.*damaged: \S+a\.so is missing; to install it anew: npx @beit\/engines install tensorflow --gpu$/m,
  );
  expect(await beitEngine('remove', 'tensorflow')).toBe(`Removed ${folder}\n`);
  expect(await beitEngine('remove', 'tensorflow')).toMatch(/^tensorflow is not installed in /);
  expect(before).toMatch(/^xla-rocm +not found .*\n.*npx @beit\/engines install xla --rocm$/m);
  expect(await beitEngine('remove', 'xla', '--cuda13')).toMatch(/^xla-cuda is not installed in /);
  expect(await beitEngine('--', 'list')).toMatch(/^tensorflow +not found/m);
});
