/** Engines whose files are damaged: none of them is loaded, because that would end the process. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { formatInstallRecord, type Installable } from '@beit/installed';
import { chooseEngine, compile, useTensorflow } from '../src';
import type { CompileOptions } from '../src/compileOptions';
import { assertWhole } from '../src/engines/wholeLibrary';

let cache: string;
const before = process.env.BEIT_CACHE;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'damaged-'));
  process.env.BEIT_CACHE = cache;
});
afterEach(() => {
  if (before === undefined) delete process.env.BEIT_CACHE;
  else process.env.BEIT_CACHE = before;
  rmSync(cache, { recursive: true });
});

/** An installed engine of one file, which had another content when it was installed. */
function damaged(name: Installable, path: string, now: string, then: string): void {
  const folder = join(cache, 'engines', name);
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), now);
  const sha256 = createHash('sha256').update(then).digest('hex');
  const files = { [path]: { bytes: then.length, sha256 } };
  writeFileSync(
    join(folder, 'install.json'),
    formatInstallRecord({ name, version: '1', file: 'a.whl', sha256: '', files }),
  );
}

const program = (options: CompileOptions) =>
  compile((state) => ({ state, outputs: {} }), { state: {}, inputs: {} }, options);
const OPENVINO = 'libs/libopenvino_c.so.2641';
const PLUGIN = 'lib/python3/site-packages/lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so';

test.each([
  ['cut off', 'half', /libopenvino_c\.so\.2641 has 4 bytes instead of 8.*engines install openvino'/],
  ['of other bytes, so that it does not load', 'half off', /libopenvino_c\.so\.2641 has the sha256/],
])('OpenVINO that is %s, named or not', async (_, now, message) => {
  damaged('openvino', OPENVINO, now, 'all of it'.slice(0, 8));
  await expect(program({ engine: 'openvino' })).rejects.toThrow(message);
  await expect(program({})).rejects.toThrow(message);
  await expect(chooseEngine()).rejects.toThrow(message);
});

test('an XLA plugin', async () => {
  damaged('xla-cpu', PLUGIN, 'half', 'all of it');
  await expect(program({ engine: 'xla' })).rejects.toThrow(
    /cpu_plugin\.so has 4 bytes instead of 9.*engines install xla --cpu'/,
  );
});

test('one whose library is gone, or whose record is', async () => {
  damaged('openvino', OPENVINO, '', 'all of it');
  rmSync(join(cache, 'engines/openvino', OPENVINO));
  const message = /libopenvino_c\.so\.2641 is missing.*engines install openvino'/;
  await expect(program({ engine: 'openvino' })).rejects.toThrow(message);
  await expect(program({})).rejects.toThrow(message);
  damaged('tensorflow', 'tensorflow/libtensorflow_cc.so.2', 'whole', 'whole');
  rmSync(join(cache, 'engines/tensorflow/install.json'));
  await expect(useTensorflow('tensorflow')).rejects.toThrow(
    /install\.json is missing or damaged.*engines install tensorflow'/,
  );
});

test('TensorFlow', async () => {
  damaged('tensorflow', 'tensorflow/libtensorflow_cc.so.2', 'half', 'all of it');
  await expect(useTensorflow('tensorflow')).rejects.toThrow(
    /libtensorflow_cc\.so\.2 has 4 bytes instead of 9.*engines install tensorflow'/,
  );
});

test('a library that nobody recorded, which ends before its sections', () => {
  const path = join(cache, 'lib.so');
  const header = Buffer.alloc(64);
  header.writeUInt32BE(0x7f454c46);
  header.writeBigUInt64LE(1000n, 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(2, 60);
  writeFileSync(path, Buffer.concat([header, Buffer.alloc(1064 - 1)]));
  expect(() => assertWhole(path, 'Do this.')).toThrow(
    /lib\.so is cut off: it has 1127 bytes of 1128 or more\. Do this\./,
  );
  writeFileSync(path, Buffer.concat([header, Buffer.alloc(1064)]));
  assertWhole(path, 'Do this.');
});
