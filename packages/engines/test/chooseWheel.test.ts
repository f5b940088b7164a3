import { chooseWheel, platformFits } from '../src/chooseWheel';
import { selectOpenvinoFile } from '../src/installOpenvino';

const linux = { platform: 'linux', arch: 'x64', glibc: [2, 31] } as const;

test.each([
  ['manylinux_2_28_x86_64', linux, true],
  ['manylinux_2_31_x86_64', linux, true],
  ['manylinux_2_35_x86_64', linux, false],
  ['manylinux2014_x86_64', linux, true],
  ['manylinux1_x86_64', { ...linux, glibc: [2, 4] }, false],
  ['manylinux_2_28_aarch64', linux, false],
  ['manylinux_2_28_aarch64', { ...linux, arch: 'arm64' }, true],
  ['manylinux_2_28_x86_64', { platform: 'linux', arch: 'x64' }, false],
  ['musllinux_1_2_x86_64', linux, false],
  ['linux_x86_64', linux, false],
  ['macosx_11_0_arm64', { platform: 'darwin', arch: 'arm64' }, true],
  ['macosx_11_0_universal2', { platform: 'darwin', arch: 'arm64' }, true],
  ['macosx_11_0_arm64', { platform: 'darwin', arch: 'x64' }, false],
  ['win_amd64', { platform: 'win32', arch: 'x64' }, true],
  ['win_amd64', { platform: 'win32', arch: 'arm64' }, false],
  ['any', linux, false],
] as const)('%s on %j: %s', (tag, machine, fits) => expect(platformFits(tag, machine)).toBe(fits));

test('several platforms in one name; a beginning is not a prefix of digits', () => {
  const file = (filename: string) => ({ filename, url: 'u', sha256: 'h', yanked: false });
  const files = [
    file('a-1.10.0-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl'),
    file('a-1.1.0-py3-none-manylinux_2_17_x86_64.whl'),
    file('a-1.10.0.tar.gz'),
  ];
  expect(chooseWheel(files, 'a', '1', linux).version).toBe('1.10.0');
  expect(chooseWheel(files, 'a', '1.1', linux).version).toBe('1.1.0');
  expect(() => chooseWheel(files, 'a', '1.2', linux)).toThrow('It has for it: 1.1.0, 1.10.0.');
});

test.each([
  ['openvino/libs/libopenvino_c.2641.dylib', true],
  ['openvino/libs/libopenvino_arm_cpu_plugin.so', true],
  ['openvino/libs/openvino_c.dll', true],
  ['openvino/libs/tbb12.dll', true],
  ['openvino/libs/libtbbbind_2_5.so.3', true],
  ['openvino/libs/libhwloc.so.15', true],
  ['openvino/libs/libtbb.12.17.dylib', true],
  ['openvino/libs/openvino.lib', false],
  ['openvino/libs/libopenvino_auto_plugin.so', false],
  ['openvino/libs/deeper/libtbb.so.12', false],
])('%s is needed: %s', (name, needed) => expect(selectOpenvinoFile(name) !== undefined).toBe(needed));
