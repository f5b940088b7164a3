import { compareVersions } from './compareVersions';
import type { Surroundings } from './surroundings';

/** What XLA's plugins are for, from the one that an automatic choice likes best. */
export const PJRT_DEVICES = ['cuda', 'rocm', 'tpu', 'oneapi', 'cpu'] as const;
export type PjrtDevice = (typeof PJRT_DEVICES)[number];

/** A plugin as its wheel has it: what whoever installs it and whoever finds it must have in common. */
export interface PjrtPlugin {
  readonly device: PjrtDevice;
  /** The wheel's name, as files of wheels have it. */
  readonly project: string;
  /** The plugin's path in a folder of Python packages. */
  readonly file: string;
  /** NVIDIA's, of which the wheel has none. */
  readonly cuda?: Cuda;
}

/** What a plugin for NVIDIA's GPUs needs of CUDA. Paths are those in a folder of Python packages. */
export interface Cuda {
  readonly release: 12 | 13;
  /** The oldest driver: https://docs.nvidia.com/deploy/cuda-compatibility/ */
  readonly driver: string;
  /** The folder of `bin/ptxas` and `nvvm/libdevice`, where the plugin itself looks too. */
  readonly data: string;
  /**
   * What it opens by name when first used, in the order of jax_plugins/xla_cuda13/__init__.py, `_load_nvidia_libraries`
   * (which leaves nvJitLink to the libraries). Without cuSOLVER and NVSHMEM: XLA has no use for the one, and for the
   * other only with --xla_gpu_experimental_enable_nvshmem.
   */
  readonly libraries: readonly string[];
}

const CUDA_13: Cuda = {
  release: 13,
  driver: '580',
  data: 'nvidia/cu13',
  libraries: [
    'nvidia/cu13/lib/libcudart.so.13',
    'nvidia/cu13/lib/libnvrtc.so.13',
    'nvidia/cu13/lib/libnvJitLink.so.13',
    'nvidia/cu13/lib/libcublasLt.so.13',
    'nvidia/cu13/lib/libcublas.so.13',
    'nvidia/nccl/lib/libnccl.so.2',
    'nvidia/cu13/lib/libcupti.so.13',
    'nvidia/cu13/lib/libcusparse.so.12',
    'nvidia/cu13/lib/libcufft.so.12',
    'nvidia/cudnn/lib/libcudnn.so.9',
  ],
};
const CUDA_12: Cuda = {
  release: 12,
  driver: '525',
  data: 'nvidia/cuda_nvcc',
  libraries: [
    'nvidia/cuda_runtime/lib/libcudart.so.12',
    'nvidia/cuda_nvrtc/lib/libnvrtc.so.12',
    'nvidia/nvjitlink/lib/libnvJitLink.so.12',
    'nvidia/cublas/lib/libcublasLt.so.12',
    'nvidia/cublas/lib/libcublas.so.12',
    'nvidia/nccl/lib/libnccl.so.2',
    'nvidia/cuda_cupti/lib/libcupti.so.12',
    'nvidia/cusparse/lib/libcusparse.so.12',
    'nvidia/cufft/lib/libcufft.so.11',
    'nvidia/cudnn/lib/libcudnn.so.9',
  ],
};

/** By device, the newest first. */
export const PJRT_PLUGINS: readonly PjrtPlugin[] = [
  {
    device: 'cuda',
    project: 'jax_cuda13_pjrt',
    file: 'jax_plugins/xla_cuda13/xla_cuda_plugin.so',
    cuda: CUDA_13,
  },
  {
    device: 'cuda',
    project: 'jax_cuda12_pjrt',
    file: 'jax_plugins/xla_cuda12/xla_cuda_plugin.so',
    cuda: CUDA_12,
  },
  { device: 'rocm', project: 'jax_rocm7_pjrt', file: 'jax_plugins/xla_rocm7/xla_rocm_plugin.so' },
  { device: 'tpu', project: 'libtpu', file: 'libtpu/libtpu.so' },
  { device: 'oneapi', project: 'jax_oneapi_pjrt', file: 'jax_plugins/xla_oneapi/xla_oneapi_plugin.so' },
  // The only one for CPUs that is on PyPI: jaxlib has its own inside a Python module.
  { device: 'cpu', project: 'lammps_jax_pjrt_cpu', file: 'lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so' },
];

/** Whether this machine's driver of NVIDIA, as far as it is known, is new enough for a CUDA. */
export const driverFits = ({ driver }: Cuda, { nvidiaDriver }: Pick<Surroundings, 'nvidiaDriver'>): boolean =>
  nvidiaDriver === undefined || compareVersions(nvidiaDriver, driver) >= 0;
