import type { XlaOptions } from './compileOptions';
import { findPlugin, openDevices } from './engines/xla/devices';

/** An XLA plugin and the devices that it gives. */
export interface XlaDescription {
  /** The plugin's path. */
  readonly library: string;
  /** Of its package, where that is known. */
  readonly version?: string;
  /** Of PJRT, the plugin's interface: `0.115`. */
  readonly apiVersion: string;
  /** What the plugin says of itself, such as `stablehlo_current_version`. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Such as `cuda`. */
  readonly platform: string;
  readonly platformVersion: string;
  readonly devices: readonly XlaDevice[];
}

export interface XlaDevice {
  readonly id: number;
  /** As the plugin names it: `NVIDIA H200`. */
  readonly kind: string;
  /** In bytes, of what XLA takes for itself; none where the plugin does not tell. */
  readonly memory?: { readonly inUse: number; readonly most?: number; readonly limit?: number };
}

/**
 * What engine `xla` would run on with these options, or `undefined` where there is no plugin or no koffi. With the options of
 * a program that is there, its devices, so that their memory is what it takes.
 *
 * @throws where a plugin finds no device that it can use, and for what is given and is not there
 */
export async function describeXla(options: XlaOptions = {}): Promise<XlaDescription | undefined> {
  const plugin = await findPlugin(options);
  if (!plugin) return undefined;
  const { library, version } = plugin.location;
  const { shared, devices } = await openDevices(plugin, options);
  try {
    const { client } = shared;
    return {
      library,
      ...(version !== undefined && { version }),
      apiVersion: client.library.apiVersion,
      attributes: client.library.attributes,
      platform: client.platform,
      platformVersion: client.platformVersion,
      devices: devices.map((device) => {
        const told = client.memoryOf(device);
        const { id, kind } = device;
        if (!told) return { id, kind };
        const { bytesInUse, peakBytesInUse, peakBytesInUseIsSet, bytesLimit, bytesLimitIsSet } = told;
        const memory = {
          inUse: bytesInUse,
          ...(peakBytesInUseIsSet && { most: peakBytesInUse }),
          ...(bytesLimitIsSet && { limit: bytesLimit }),
        };
        return { id, kind, memory };
      }),
    };
  } finally {
    shared.release();
  }
}
