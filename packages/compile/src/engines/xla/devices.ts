/** From a plugin to devices that programs can run on. */
import type { LoadingGuard, PjrtDevice, PjrtLocation } from '@beit/installed';
import { messageOf } from '@beit/tensors';
import type { XlaOptions } from '../../compileOptions';
import { guardLoading, isDamage } from '../guardLoading';
import { findKoffi, type Koffi, loadForGood } from '../koffi';
import type { Device } from './pjrt/client';
import type { NamedValues } from './pjrt/namedValues';
import { openClient, type SharedClient } from './pjrt/openClient';

/** A plugin, and what calls it. */
export interface XlaPlugin {
  readonly koffi: Koffi;
  readonly location: PjrtLocation;
}

/** The devices that programs run on. */
export interface XlaRuntime {
  readonly shared: SharedClient;
  readonly devices: readonly Device[];
  readonly guard: LoadingGuard;
}

/** What XLA has devices of. */
export const XLA_DEVICES = ['cpu', 'cuda', 'rocm', 'oneapi', 'tpu'] as const satisfies readonly PjrtDevice[];

const isXlaDevice = (device: string): device is PjrtDevice => XLA_DEVICES.some((known) => known === device);

/**
 * The plugin that programs are to run with, or `undefined` where there is none or the package koffi is not installed.
 *
 * @param accelerators none for the CPU, unless it is asked for
 * @throws when a plugin was given and is not there
 */
export async function findPlugin(
  { plugin, device }: XlaOptions,
  accelerators = false,
): Promise<XlaPlugin | undefined> {
  const koffi = await findKoffi();
  if (!koffi) return undefined;
  const { findPjrt } = await import('@beit/installed');
  const location = await findPjrt({
    accelerators,
    ...(plugin === undefined ? {} : { plugin }),
    ...(device !== undefined && isXlaDevice(device) ? { device } : {}),
  });
  return location && { koffi, location };
}

const GPUS: ReadonlySet<PjrtDevice> = new Set(['cuda', 'rocm', 'oneapi']);

function numCpusOfJax(value = '1'): number {
  if (/^[1-9]\d{0,3}$/.test(value)) return Number(value);
  throw new Error(
    `JAX_NUM_CPU_DEVICES is '${value}'; expected how many devices to make of the CPU, such as 2.`,
  );
}

/** How many CPUs XLA makes of this one: as many as are asked for. */
const numCpus = ({ devices }: XlaOptions): number =>
  devices === undefined || devices === 'all'
    ? numCpusOfJax(process.env.JAX_NUM_CPU_DEVICES)
    : Math.max(...devices) + 1;

/** What JAX's environment variables say of a GPU's memory, where options say nothing. */
function memoryOptions({ memoryFraction, preallocate }: XlaOptions): NamedValues {
  const { XLA_PYTHON_CLIENT_MEM_FRACTION, XLA_CLIENT_MEM_FRACTION, XLA_PYTHON_CLIENT_PREALLOCATE } =
    process.env;
  const fractions = { memoryFraction, XLA_CLIENT_MEM_FRACTION, XLA_PYTHON_CLIENT_MEM_FRACTION };
  const [name, fraction] = Object.entries(fractions).find(([, value]) => value !== undefined) ?? [];
  const takes = preallocate ?? XLA_PYTHON_CLIENT_PREALLOCATE;
  if (fraction !== undefined && !(Number(fraction) > 0 && Number(fraction) <= 1)) {
    throw new Error(
      `${name} is '${fraction}'; expected the part of the memory to take, above 0 and at most 1.`,
    );
  }
  return {
    ...(fraction === undefined ? {} : { memory_fraction: Number(fraction) }),
    ...(takes === undefined ? {} : { preallocate: takes === true || takes === 'true' || takes === '1' }),
  };
}

/** More than any machine has; of CPUs, XLA would make that many. */
const MOST_DEVICES = 1024;

function assertDevices(devices: XlaOptions['devices']): void {
  if (devices === undefined || devices === 'all') return;
  const isList =
    Array.isArray(devices) &&
    devices.length > 0 &&
    new Set(devices).size === devices.length &&
    devices.every((id) => Number.isInteger(id) && id >= 0 && id < MOST_DEVICES);
  if (isList) return;
  throw new RangeError(
    `devices is ${JSON.stringify(devices)}; expected 'all', or different numbers from 0 to ${MOST_DEVICES - 1}.`,
  );
}

function clientOptions(device: PjrtDevice, options: XlaOptions): NamedValues {
  if (device === 'cpu') return { cpu_device_count: BigInt(numCpus(options)) };
  if (!GPUS.has(device)) return {};
  const { devices = [0] } = options;
  return {
    ...memoryOptions(options),
    ...(devices === 'all' ? {} : { visible_devices: devices.map(BigInt) }),
  };
}

/**
 * What must be there before a plugin is loaded.
 *
 * @throws where the plugin, or what it needs, is damaged
 */
export async function preparePlugin({ koffi, location }: XlaPlugin): Promise<LoadingGuard> {
  const { library, preload, env, source, device } = location;
  const guard = await guardLoading({
    installed: source === 'installed' ? `xla-${device}` : undefined,
    libraries: [library, ...preload],
  });
  Object.assign(process.env, env);
  await guard.attempt(() => {
    for (const needed of preload) loadForGood(koffi, needed);
  });
  return guard;
}

/**
 * Opens the devices of a plugin.
 *
 * @throws where there is none, or not all that are asked for: with the driver, and with what to do
 */
export async function openDevices({ koffi, location }: XlaPlugin, options: XlaOptions): Promise<XlaRuntime> {
  const { library, device } = location;
  assertDevices(options.devices);
  // XLA's threads on the CPU, for all devices.
  if (device === 'cpu' && options.numThreads !== undefined)
    process.env.PJRT_NPROC = String(options.numThreads);
  const guard = await preparePlugin({ koffi, location });
  const opened = guard.attempt(() => openClient(koffi, library, clientOptions(device, options)));
  const shared = await opened.catch(async (cause) => {
    if (isDamage(cause)) throw cause;
    throw new Error(await whyNone(location, messageOf(cause)), { cause });
  });
  const { devices: asked } = options;
  const found = shared.client.devices;
  if (asked === 'all') return { shared, devices: found, guard };
  // A GPU that is not asked for is not seen either: of those that are, the numbers begin anew.
  const devices = GPUS.has(device) ? found : (asked ?? [0]).map((id) => found[id]);
  const there = devices.filter((one) => one !== undefined);
  if (there.length === (asked ?? [0]).length) return { shared, devices: there, guard };
  shared.release();
  throw new Error(
    `There are ${found.length} devices '${device}' here, numbered from 0; asked for: ${asked}.`,
  );
}

async function whyNone({ device, library, version, ready }: PjrtLocation, message: string): Promise<string> {
  const { here } = await import('@beit/installed');
  const { nvidiaDriver } = here();
  const driver =
    device === 'cuda' && !ready
      ? ` The driver of NVIDIA is ${nvidiaDriver ?? 'not loaded (nvidia-smi must list the GPU)'}.`
      : '';
  return (
    `XLA's plugin for the device '${device}'${version === undefined ? '' : `, version ${version},`} found no device that it can ` +
    `use: ${message.trim()}${driver} (${library})`
  );
}
