import type { CompileOptions } from '../../compileOptions';
import type { CompiledEngine, MakePrograms } from '../engine';
import { findPlugin, openDevices, XLA_DEVICES } from './devices';
import { xlaPrograms } from './xlaPrograms';

/**
 * An automatic choice takes XLA for a device that is faster than the CPU, and is there. On CPUs it is chosen by name: other
 * engines are faster there.
 */
async function find(options: CompileOptions): Promise<MakePrograms | undefined> {
  const plugin = await findPlugin(options);
  if (!plugin) return undefined;
  if (options.engine !== 'xla') {
    const { device } = plugin.location;
    if (device === 'cpu' || (options.precision === 'tf32' && device !== 'cuda')) return undefined;
    try {
      const { shared } = await openDevices(plugin, options);
      shared.release();
    } catch {
      return undefined;
    }
  }
  return async (...given) => xlaPrograms(await openDevices(plugin, options), ...given);
}

/** XLA through its plugins: GPUs, TPUs and CPUs. */
export const xla: CompiledEngine = {
  find,
  install:
    'an XLA plugin and the package koffi: npm install koffi, then npx @beit/engines install xla --cuda (or --rocm, --tpu, --oneapi, --cpu)',
  precisions: ['fp32', 'tf32', 'bf16'],
  devices: XLA_DEVICES,
};
