import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { here } from '@beit/installed';
import { installTensorflow, selectCudaFile, selectTensorflowFile } from '../src/installTensorflow';
import { unpackNpmPackage } from '../src/npmPackage';
import { requirementsOfExtra, versionFits } from '../src/versions';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beit-tensorflow-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test.each([
  ['2.21.0', '2.21.0', true],
  ['2.21.0', '2.21', true],
  ['2.21.0', '2.2', false],
  ['12.9.1.4', '<13.0,>=12.5.3.2', true],
  ['12.5.3.1', '<13.0,>=12.5.3.2', false],
  ['13.0', '<13.0,>=12.5.3.2', false],
  ['2.2.9', '~=2.2.1', true],
  ['2.3.0', '~=2.2.1', false],
  ['1.0', '!=1.0', false],
  ['1.0.0', '==1.0', true],
])('%s is %s: %s', (version, wanted, fits) => expect(versionFits(version, wanted)).toBe(fits));

test('a version that is none', () => {
  expect(() => versionFits('1.0', 'newest')).toThrow("'newest' is no version");
});

test('the requirements of one extra', () => {
  const metadata = [
    'Name: tensorflow',
    'Requires-Dist: numpy>=1.26.0',
    'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
    "Requires-Dist: nvidia-nccl-cu12 (==2.16.5) ; extra == 'and-cuda'",
    'Requires-Dist: nvidia-nvvm; extra == "and-cuda"',
    'Requires-Dist: gcsfs; extra == "gcs"',
  ].join('\n');
  expect(requirementsOfExtra(metadata, 'and-cuda')).toEqual([
    { project: 'nvidia-cublas-cu12', versions: '<13.0,>=12.5.3.2' },
    { project: 'nvidia-nccl-cu12', versions: '==2.16.5' },
    { project: 'nvidia-nvvm', versions: '>=0' },
  ]);
});

test('what is kept of the wheels', () => {
  const kept = [
    'tensorflow/libtensorflow_cc.so.2',
    'tensorflow/libtensorflow_framework.so.2',
    'tensorflow/include/tensorflow/c/c_api.h',
    'tensorflow/include/xla/tsl/c/tsl_status.h',
  ];
  for (const name of kept) expect(selectTensorflowFile(name)).toBe(name);
  expect(selectTensorflowFile('tensorflow-2.21.0.dist-info/METADATA')).toBe('METADATA');
  for (const name of ['tensorflow/python/_pywrap.so', 'tensorflow/include/external/a.h', 'tensorflow/x.py']) {
    expect(selectTensorflowFile(name)).toBeUndefined();
  }
  expect(selectCudaFile('nvidia/cudnn/lib/libcudnn.so.9')).toBe('nvidia/cudnn/lib/libcudnn.so.9');
  for (const name of [
    'nvidia/cudnn/include/cudnn.h',
    'nvidia/cublas/lib/__init__.py',
    'nvidia/../lib/a.so',
  ]) {
    expect(selectCudaFile(name)).toBeUndefined();
  }
});

test('what is missing is said before anything is fetched', async () => {
  const machine = { ...here(), env: { BEIT_CACHE: folder, PIP_INDEX_URL: 'http://127.0.0.1:9/simple' } };
  const on = (changes: object) => ({ ...machine, ...changes });
  await expect(installTensorflow({}, on({ platform: 'darwin' }))).rejects.toThrow(/built on Linux only/);
  await expect(installTensorflow({ gpu: true }, on({ platform: 'linux', arch: 'arm64' }))).rejects.toThrow(
    /an x64 processor only; this is linux arm64/,
  );
  const noCompiler = on({ platform: 'linux', env: { ...machine.env, CXX: 'no-such-compiler' } });
  await expect(installTensorflow({}, noCompiler)).rejects.toThrow(
    /needs a C\+\+ compiler: 'no-such-compiler' does not run.*apt-get install g\+\+/,
  );
  expect(await readdir(folder)).toEqual([]);
});

test('a package of another content than the known one is not unpacked', async () => {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  // An npm that hands out something else.
  await writeFile(join(bin, 'npm'), '#!/bin/sh\nfor last; do :; done\necho evil > "$last/package.tgz"\n');
  await chmod(join(bin, 'npm'), 0o755);
  const env = { PATH: `${bin}${delimiter}${process.env.PATH}` };
  const wanted = { name: '@tensorflow/tfjs-node', version: '4.22.0', integrity: 'sha512-AAAA' };
  const target = join(folder, 'target');
  await expect(unpackNpmPackage(wanted, target, { env })).rejects.toThrow(
    /tfjs-node@4\.22\.0 has the integrity sha512-\S+, expected sha512-AAAA/,
  );
  const nowhere = { PATH: join(folder, 'nowhere') };
  await expect(unpackNpmPackage(wanted, target, { env: nowhere })).rejects.toThrow(
    /'npm' is needed and was not found/,
  );
  expect(await readdir(folder)).toEqual(['bin']);
});
