/**
 * XLA's `CompileOptionsProto` (xla/pjrt/proto/compile_options.proto), of which a few fields are set.
 * Encoding: https://protobuf.dev/programming-guides/encoding/
 */

/** How a program is spread over devices, and XLA's own options (`xla_...`, xla/xla.proto) for it alone. */
export interface XlaCompileOptions {
  /** The devices' ids; XLA partitions a program over more than one. */
  readonly devices: readonly number[];
  readonly debugOptions?: Readonly<Record<string, boolean | number | string>>;
}

/** Has XLA write what it makes of a program, as text, into the folder `PREFIX.hlo`. */
export const dumpOptions = (prefix: string | undefined): NonNullable<XlaCompileOptions['debugOptions']> =>
  prefix === undefined ? {} : { xla_dump_to: `${prefix}.hlo`, xla_dump_hlo_as_text: true };

const varint = (value: bigint): number[] =>
  value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint(value >> 7n)];

const VARINT = 0;
const BYTES = 2;
const tag = (field: number, wire: number) => varint(BigInt((field << 3) | wire));
/** Negative numbers are 64 bits wide. */
const integer = (field: number, value: number) => [
  ...tag(field, VARINT),
  ...varint(BigInt.asUintN(64, BigInt(value))),
];
const message = (field: number, bytes: readonly number[]) => [
  ...tag(field, BYTES),
  ...varint(BigInt(bytes.length)),
  ...bytes,
];
const text = (field: number, value: string) => message(field, [...new TextEncoder().encode(value)]);

/** `DeviceAssignmentProto`: one replica, one partition on each device. */
function deviceAssignment(devices: readonly number[]): number[] {
  const computations = devices.map((device) => message(3, message(1, varint(BigInt(device)))));
  return [...integer(1, 1), ...integer(2, devices.length), ...computations.flat()];
}

/** An entry of `env_option_overrides`: `OptionOverrideProto` by the option's name. */
function override(name: string, value: boolean | number | string): number[] {
  const encoded =
    typeof value === 'boolean'
      ? integer(2, value ? 1 : 0)
      : typeof value === 'number'
        ? integer(3, value)
        : text(1, value);
  return message(7, [...text(1, name), ...message(2, encoded)]);
}

/** The options as the compiler takes them. */
export function encodeCompileOptions({ devices, debugOptions = {} }: XlaCompileOptions): Uint8Array {
  const build = [
    ...integer(1, -1), // device_ordinal: by the assignment
    ...integer(4, 1), // num_replicas
    ...integer(5, devices.length), // num_partitions
    ...(devices.length > 1 ? integer(6, 1) : []), // use_spmd_partitioning
    ...message(9, deviceAssignment(devices)),
    ...(devices.length > 1 ? integer(19, 1) : []), // use_shardy_partitioner
  ];
  const overrides = Object.entries(debugOptions).flatMap(([name, value]) => override(name, value));
  return Uint8Array.from([...message(3, build), ...overrides]);
}
