import type { XlaOptions } from '../../compileOptions';
import type { CompiledEngine } from '../engine';
import { findKoffi } from '../koffi';
import { openClient } from './pjrt/openClient';
import { type XlaRuntime, xlaPrograms } from './xlaPrograms';

async function findXla({ plugin }: XlaOptions): Promise<(() => Promise<XlaRuntime>) | undefined> {
  const koffi = await findKoffi();
  const path = plugin ?? process.env.BEIT_PJRT;
  if (!koffi || !path) return undefined;
  return async () => {
    const shared = await openClient(koffi, path, {});
    return { shared, devices: shared.client.devices.slice(0, 1) };
  };
}

/** XLA through PJRT: GPUs, TPUs and CPUs, whatever there is a plugin for. */
export const xla: CompiledEngine = {
  find: async (options) => {
    const open = await findXla(options);
    return open && (async (...given) => xlaPrograms(await open(), ...given));
  },
  install:
    'a PJRT plugin and the package koffi: npm install koffi, then npx @beit/engines install xla --cuda (or --rocm, --oneapi, --tpu, --cpu)',
  precisions: ['fp32', 'bf16'],
};
