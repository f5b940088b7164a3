import type { ProgramMemory } from '../../types';
import { findPlugin, preparePlugin } from './devices';
import { dumpOptions, encodeCompileOptions } from './pjrt/compileOptions';
import { loadPjrt } from './pjrt/library';
import { encodeNamedValues } from './pjrt/namedValues';
import { encodeProgram } from './pjrt/program';
import { programMemory } from './pjrt/programMemory';

/** GPUs for which programs can be compiled where there is none: XLA's `GpuTargetConfigProto`, as it writes them for these. */
export const GPU_TARGETS = {
  h100: `
    gpu_device_info {
      threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152 shared_memory_per_core: 233472
      threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128 block_dim_limit_x: 2147483647
      block_dim_limit_y: 65535 block_dim_limit_z: 65535 memory_bandwidth: 3352320000000 l2_cache_size: 52428800
      clock_rate_ghz: 1.98 device_memory_size: 84942979072 shared_memory_per_block_optin: 232448
      cuda_compute_capability { major: 9 } registers_per_core_limit: 65536 registers_per_block_limit: 65536
    }
    runtime_version { major: 12 minor: 8 } platform_name: "CUDA" dnn_version_info { major: 9 minor: 12 }
    device_description_str: "NVIDIA H100 80GB HBM3"`,
} as const;
export type GpuTarget = keyof typeof GPU_TARGETS;

export interface GpuCompileOptions {
  /** Default: `h100`. */
  readonly target?: GpuTarget;
  /** XLA's plugin for CUDA. Default: searched for. */
  readonly plugin?: string;
  /** Writes what XLA makes of the program, as text, into the folder `PREFIX.hlo`. */
  readonly profile?: string;
}

/** Kernels are not tried out, where there is nothing to try them on: products are the library's own. */
const UNTRIED = { xla_gpu_autotune_level: 0, xla_gpu_enable_triton_gemm: false };

/**
 * Compiles StableHLO (`exportStablehlo`) for a GPU that need not be here, by the plugin for CUDA: whether it compiles, and what
 * memory it takes there.
 *
 * @param program MLIR, as text
 * @throws where there is no such plugin, and what the compiler says of a program that it can't compile
 */
export async function compileForGpu(
  program: string,
  { target = 'h100', plugin, profile }: GpuCompileOptions = {},
): Promise<ProgramMemory> {
  const found = await findPlugin({ device: 'cuda', ...(plugin === undefined ? {} : { plugin }) });
  if (!found) {
    throw new Error(
      "There is no XLA plugin for CUDA here; 'npx @beit/engines install xla --cuda' brings one.",
    );
  }
  await preparePlugin(found);
  const { koffi, location } = found;
  const library = loadPjrt(koffi, location.library);
  const name = new TextEncoder().encode(target);
  const described = { target_config: GPU_TARGETS[target], topology: '1x1x1' };
  const { topology } = library.call('TopologyDescription_Create', {
    name,
    nameSize: BigInt(name.length),
    createOptions: encodeNamedValues(library, described),
    numOptions: BigInt(Object.keys(described).length),
  });
  const compileOptions = encodeCompileOptions({
    devices: [0],
    debugOptions: { ...UNTRIED, ...dumpOptions(profile) },
  });
  try {
    const { executable } = await library.callAsync('Compile', {
      topology,
      program: encodeProgram(library, program),
      compileOptions,
      compileOptionsSize: BigInt(compileOptions.length),
    });
    const taken = programMemory(library, executable, 'cuda');
    library.call('Executable_Destroy', { executable });
    if (!taken) throw new Error(`The plugin ${location.library} does not tell what memory a program takes.`);
    return taken;
  } finally {
    library.call('TopologyDescription_Destroy', { topology });
  }
}
