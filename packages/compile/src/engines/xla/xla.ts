import { messageOf } from '@beit/tensors';
import type { Device } from '../../compileOptions';
import type { CompiledEngine, MakePrograms } from '../engine';
import { doneWhenRun, isDamage } from '../guardLoading';
import { findKoffi } from '../koffi';
import { findPlugin, openDevices, XLA_DEVICES } from './devices';
import { xlaPrograms } from './xlaPrograms';

/** An automatic choice takes XLA for a device that is faster than the CPU, and is there; on CPUs, other engines are faster. */
const find: CompiledEngine['find'] = async (options) => {
  const isNamed = options.engine === 'xla';
  const plugin = await findPlugin(options, !isNamed);
  if (!plugin && isNamed) return (await findKoffi()) && { why: async () => noPlugin(options.device) };
  if (!plugin) return { why: () => whyNoAccelerator(options.device) };
  const { device, version } = plugin.location;
  const about = `XLA${version === undefined ? '' : ` ${version}`}, ${device}`;
  const make: MakePrograms = async (...given) => {
    const runtime = await openDevices(plugin, options);
    const programs = runtime.guard.attempt(() => xlaPrograms(runtime, ...given));
    return doneWhenRun(runtime.guard, await programs);
  };
  if (isNamed) return { make, about };
  const because = (why: string) => ({ why: async () => why });
  if (device === 'cpu')
    return because('of its devices, the CPU was asked for, where other engines are faster');
  if (options.precision === 'tf32' && device !== 'cuda') return because(`${device} has no precision 'tf32'`);
  try {
    const { shared, devices } = await openDevices(plugin, options);
    shared.release();
    return { make, about: `${about}: ${devices.map(({ kind }) => kind).join(', ')}` };
  } catch (error) {
    if (isDamage(error)) throw error;
    return because(messageOf(error));
  }
};

const noPlugin = (device = 'cpu') =>
  `there is no XLA plugin for the device '${device}' here. 'npx @beit/engines install xla --${device}' brings one; ` +
  `'npx @beit/engines list' shows those that are there.`;

/** With the plugins for devices that this machine does not show, or not with a driver that is new enough. */
async function whyNoAccelerator(device: Device | undefined): Promise<string> {
  const { findPjrtPlugins } = await import('@beit/installed');
  const all = await findPjrtPlugins();
  if (all.length === 0) return 'it is not installed';
  if (device && !all.some((plugin) => plugin.device === device)) return `it has no plugin for ${device} here`;
  const others = all.filter((plugin) => plugin.device !== 'cpu');
  const named = others.map((plugin) => plugin.device).join(', ');
  return named === ''
    ? 'of its devices there is the CPU alone, where other engines are faster'
    : `there is a plugin for ${named}, but no such device, or its driver is too old`;
}

/** XLA through its plugins: GPUs, TPUs and CPUs. */
export const xla: CompiledEngine = {
  find,
  install:
    'an XLA plugin and the package koffi: npm install koffi, then npx @beit/engines install xla --cuda (or --rocm, --tpu, --oneapi, --cpu)',
  precisions: ['fp32', 'tf32', 'bf16'],
  devices: XLA_DEVICES,
};
