import { availableParallelism, cpus } from 'node:os';
import {
  type CompileOptions,
  chooseEngine,
  type EngineName,
  hasNativeBfloat16,
  type Precision,
} from '@beit/compile';
import { localSize } from '@beit/mpi';
import { UsageError } from '../commandLine';
import { oneOf, type Reader, whole } from './optionReaders';
import { type OptionValues, option } from './optionTable';

const ENGINES = ['auto', 'xla', 'openvino', 'onnxruntime', 'tensorflow', 'tensorflow-gpu', 'tfjs'] as const;
type Engine = (typeof ENGINES)[number];

/** Besides fp32, which all have; with `auto`, the fastest that has it is taken. */
const PRECISION_ENGINES = {
  fp32: ENGINES,
  tf32: ['auto', 'xla'],
  bf16: ['auto', 'openvino', 'xla'],
} as const satisfies Record<Precision, readonly Engine[]>;
const PRECISIONS = Object.keys(PRECISION_ENGINES) as Precision[];

const DEVICE_ENGINES = {
  cpu: ['auto', 'xla', 'onnxruntime'],
  cuda: ['auto', 'xla', 'onnxruntime'],
  rocm: ['auto', 'xla'],
  oneapi: ['auto', 'xla'],
  tpu: ['auto', 'xla'],
  webgpu: ['auto', 'onnxruntime'],
} as const satisfies Record<NonNullable<CompileOptions['device']>, readonly Engine[]>;
type Device = keyof typeof DEVICE_ENGINES;
const DEVICES = Object.keys(DEVICE_ENGINES) as Device[];

/** What runs a run's programs, and how: the options of every `compile`. */
export interface EngineOptions {
  /** `auto`: the fastest that is installed and has the precision and the device. */
  readonly engine: EngineName | 'auto';
  readonly precision: Precision;
  /** Where xla and onnxruntime compute; their own defaults are the best that is there, and the CPU. */
  readonly device?: Device;
  /** Which of these devices; the default of xla is the first. */
  readonly devices?: readonly number[] | 'all';
  /** Threads inside an op; the engine's own default is the number of physical cores. */
  readonly numThreads?: number;
}

/** A kind of devices, and which of them. */
interface DeviceChoice {
  readonly device: Device;
  readonly devices?: readonly number[];
}

/** `cuda`, or `cuda:0,1` */
const deviceChoice: Reader<DeviceChoice> = (text, flag) => {
  const [name = '', numbers, ...rest] = text.split(':');
  const device = DEVICES.find((known) => known === name);
  if (device === undefined || rest.length > 0) {
    throw new UsageError(
      `--${flag} is '${text}'; expected one of ${DEVICES.join(', ')}, and numbers after it where not the first is meant: cuda:0,1.`,
    );
  }
  if (numbers === undefined) return { device };
  const devices = numbers.split(',').map((number) => (/^\d+$/.test(number) ? Number(number) : Number.NaN));
  if (devices.some(Number.isNaN) || new Set(devices).size < devices.length) {
    throw new UsageError(
      `--${flag} is '${text}'; expected different numbers from 0 on after '${name}:', such as ${name}:0,1.`,
    );
  }
  return { device, devices };
};

/** The options of every app that say what computes. */
export const ENGINE_OPTIONS = {
  engine: option(
    'NAME',
    `${ENGINES.join(', ')} (default: auto,
the fastest that is installed; xla where it has more than a CPU; GPUs: docs/gpu.md)`,
    oneOf(ENGINES),
    'auto',
  ),
  precision: option(
    'NAME',
    `fp32 (default: the same numbers on every engine); for matrix products and convolutions
tf32 (xla on cuda) or bf16 (xla, openvino)`,
    oneOf(PRECISIONS),
    'fp32',
  ),
  device: option(
    'NAME[:N,N]',
    `where xla (cpu, cuda, rocm, oneapi, tpu; default: the best that is there) or onnxruntime (cpu,
cuda, webgpu; default: cpu) computes; cuda:1 is the second GPU, cuda:0,1 splits batches over two
(memory: XLA_PYTHON_CLIENT_MEM_FRACTION, XLA_PYTHON_CLIENT_PREALLOCATE, as JAX has them)`,
    deviceChoice,
  ),
  devices: option('all', 'split batches over all devices of this kind (xla)', oneOf(['all'])),
  threads: option(
    'N',
    `of openvino, onnxruntime and xla on cpu (default: the number of cores, shared by the
processes that mpirun started on a machine)`,
    whole(1),
  ),
};

/** @throws UsageError for what the engine does not have */
export function engineOptions(values: OptionValues<typeof ENGINE_OPTIONS>): EngineOptions {
  const { engine, precision } = values;
  const { device, devices = values.devices } = values.device ?? {};
  const assertHas = (flag: string, value: string, engines: readonly Engine[]) => {
    if (engines.includes(engine)) return;
    const others = engines.filter((name) => name !== 'auto').join(' or ');
    throw new UsageError(
      `--${flag} is '${value}', which '${engine}' does not have; expected --engine ${others}.`,
    );
  };
  assertHas('precision', precision, PRECISION_ENGINES[precision]);
  if (device !== undefined) assertHas('device', device, DEVICE_ENGINES[device]);
  if (precision === 'tf32' && device !== undefined && device !== 'cuda') {
    throw new UsageError(`--precision is 'tf32' with --device ${device}; it is for --device cuda.`);
  }
  const numbers = values.device?.devices;
  if (values.devices !== undefined && numbers !== undefined) {
    throw new UsageError(`--devices is 'all', and --device '${device}:${numbers}'; expected one of them.`);
  }
  if (devices !== undefined && engine !== 'xla') {
    const typed = numbers === undefined ? "--devices is 'all'" : `--device is '${device}:${numbers}'`;
    throw new UsageError(`${typed} with --engine ${engine}; devices are chosen by number with --engine xla.`);
  }
  const numThreads = values.threads ?? sharedThreads();
  return {
    engine,
    precision,
    ...(numThreads !== undefined && { numThreads }),
    ...(device !== undefined && { device }),
    ...(devices !== undefined && { devices }),
  };
}

/** For a process that has others of its job beside it; a launcher may have bound it to processors of its own. */
function sharedThreads(): number | undefined {
  const processes = localSize();
  if (processes === 1) return undefined;
  const [bound, all] = [availableParallelism(), cpus().length];
  return bound < all ? bound : Math.max(1, Math.floor(all / processes));
}

/** For people. @throws where there is no such engine, precision or device here */
export async function describeEngine(options: EngineOptions): Promise<string> {
  const { engine, about } = await chooseEngine(options);
  const { precision, devices } = options;
  const without = engine === 'openvino' && precision === 'bf16' && !(await hasNativeBfloat16());
  return [
    about,
    ...(devices === undefined ? [] : [`devices ${devices}`]),
    precision,
    ...(without ? ['which this processor does not have: OpenVINO computes in fp32'] : []),
  ].join(', ');
}
