import { encodeNamedValues } from '../src/engines/xla/pjrt/namedValues';
import { encodeStruct, type PARTS } from '../src/engines/xla/pjrt/structs';
import { collectGarbage } from './collectGarbage';

/** Structures whose memory the test follows by weak references. */
function followed() {
  const memory: WeakRef<object>[] = [];
  const addressOf = (bytes: Uint8Array) => {
    memory.push(new WeakRef(bytes));
    return 1n;
  };
  const part = <K extends keyof typeof PARTS>(name: K, values: object, options?: { exact?: boolean }) =>
    encodeStruct(name, values as Parameters<typeof encodeStruct<K>>[1], addressOf, options);
  const there = () => memory.map((one) => one.deref() !== undefined);
  return { part, there };
}

test('memory that a structure points to stays as long as the structure', async () => {
  const { part, there } = followed();
  const owner: { program?: Uint8Array } = {};
  (() => {
    owner.program = part('Program', { code: new Uint8Array(9), format: new Uint8Array(9) });
  })();
  await collectGarbage();
  expect(there()).toEqual([true, true]);
  delete owner.program;
  await collectGarbage();
  expect(there()).toEqual([false, false]);
});

test('names and values of a list stay as long as the list', async () => {
  const { part, there } = followed();
  const owner: { list?: Uint8Array } = {};
  (() => {
    owner.list = encodeNamedValues({ part } as Parameters<typeof encodeNamedValues>[0], {
      topology: '1x1x1',
      visible_devices: [0n, 1n],
      cpu_device_count: 2n,
    });
  })();
  await collectGarbage();
  expect(there()).toEqual([true, true, true, true, true]);
  delete owner.list;
  await collectGarbage();
  expect(there()).toEqual(new Array(5).fill(false));
});
