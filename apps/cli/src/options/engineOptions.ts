import { availableParallelism, cpus } from 'node:os';
import { type EngineName, hasNativeBfloat16, type Precision } from '@beit/compile';
import { localSize } from '@beit/mpi';
import { UsageError } from '../commandLine';
import { oneOf, whole } from './optionReaders';
import { type OptionValues, option } from './optionTable';

const ENGINES = ['auto', 'openvino', 'onnxruntime', 'tensorflow', 'tensorflow-gpu', 'tfjs'] as const;
const PRECISIONS = ['fp32', 'bf16'] as const;
const DEVICES = ['cpu', 'cuda', 'webgpu'] as const;

/** What runs a run's programs, and how: the options of every `compile`. */
export interface EngineOptions {
  /** `auto`: the fastest that is installed and has the precision. */
  readonly engine: EngineName | 'auto';
  readonly precision: Precision;
  /** Where onnxruntime computes; its own default is the CPU. */
  readonly device?: (typeof DEVICES)[number];
  /** Threads inside an op; the engine's own default is the number of physical cores. */
  readonly numThreads?: number;
}

/** The options of every app that say what computes. */
export const ENGINE_OPTIONS = {
  engine: option(
    'NAME',
    `${ENGINES.join(', ')} (default: auto, the
fastest of openvino, onnxruntime and tfjs that is installed; GPUs: docs/gpu.md)`,
    oneOf(ENGINES),
    'auto',
  ),
  precision: option(
    'NAME',
    `fp32 (default: the same numbers on every engine) or bf16, for matrix products and
convolutions (openvino)`,
    oneOf(PRECISIONS),
    'fp32',
  ),
  device: option('NAME', 'cpu (default), cuda or webgpu, where onnxruntime computes', oneOf(DEVICES)),
  threads: option(
    'N',
    `of openvino and onnxruntime (default: the number of physical cores, shared by the processes
that mpirun started on a machine)`,
    whole(1),
  ),
};

/** @throws UsageError for what the engine does not have */
export function engineOptions(values: OptionValues<typeof ENGINE_OPTIONS>): EngineOptions {
  const { engine, precision, device } = values;
  if (precision === 'bf16' && engine !== 'auto' && engine !== 'openvino') {
    throw new UsageError(
      `--precision is 'bf16', which '${engine}' does not have; expected --engine openvino.`,
    );
  }
  if (device !== undefined && engine !== 'onnxruntime') {
    throw new UsageError(`--device is '${device}' with --engine ${engine}; it is for --engine onnxruntime.`);
  }
  const numThreads = values.threads ?? sharedThreads();
  return {
    engine,
    precision,
    ...(numThreads !== undefined && { numThreads }),
    ...(device !== undefined && { device }),
  };
}

/** For a process that has others of its job beside it; a launcher may have bound it to processors of its own. */
function sharedThreads(): number | undefined {
  const processes = localSize();
  if (processes === 1) return undefined;
  const [bound, all] = [availableParallelism(), cpus().length];
  return bound < all ? bound : Math.max(1, Math.floor(all / processes));
}

/** For people. */
export async function describeEngine({ engine, precision, device }: EngineOptions): Promise<string> {
  const without = precision === 'bf16' && !(await hasNativeBfloat16());
  return [
    ...[engine, precision, device].filter(Boolean),
    ...(without ? ['which this processor does not have: OpenVINO computes in fp32'] : []),
  ].join(', ');
}
