import { availableParallelism, cpus } from 'node:os';
import { localSize } from '@beit/mpi';
import { NonFiniteError } from '@beit/trainer';
import { DEVICES, ENGINES, type EngineOptions, PRECISIONS } from './engineOptions';

/** A mistake on the command line: shown without a stack. */
export class UsageError extends Error {}

/** Where the command was typed; package scripts run elsewhere. */
export const typedIn = (): string => process.env.INIT_CWD ?? process.cwd();

/** pnpm hands on the '--' that separates its own options. */
export const ownArguments = (args: readonly string[]): string[] =>
  args.filter((argument) => argument !== '--');

/** What `parse` of `node:util`'s `parseArgs` gives, its complaints as mistakes of the command line. */
export function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export function integer(text: string, flag: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < least) {
    throw new UsageError(`--${flag} is '${text}'; expected a whole number of at least ${least}.`);
  }
  return value;
}

/** A number in [least, most]. */
export function number(text: string, flag: string, least: number, most = Number.POSITIVE_INFINITY): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) {
    const range = most === Number.POSITIVE_INFINITY ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new UsageError(`--${flag} is '${text}'; expected a number ${range}.`);
  }
  return value;
}

/** One of `allowed`, the first when nothing was given. */
export function oneOf<T extends string>(
  text: string | undefined,
  flag: string,
  allowed: readonly [T, ...T[]],
): T {
  if (text === undefined) return allowed[0];
  const value = allowed.find((name) => name === text);
  if (value === undefined) {
    throw new UsageError(`--${flag} is '${text}'; expected one of ${allowed.join(', ')}.`);
  }
  return value;
}

/** The options of every app that say what computes, for `parseArgs`. */
export const ENGINE_ARGUMENTS = {
  engine: { type: 'string' },
  precision: { type: 'string' },
  device: { type: 'string' },
  threads: { type: 'string' },
} as const;

export const ENGINE_HELP = `  --engine NAME           ${ENGINES.join(', ')} (default: auto, the
                          fastest of openvino, onnxruntime and tfjs that is installed; GPUs: docs/gpu.md)
  --precision NAME        fp32 (default: the same numbers on every engine) or bf16, for matrix products and
                          convolutions (openvino)
  --device NAME           cpu (default), cuda or webgpu, where onnxruntime computes
  --threads N             of openvino and onnxruntime (default: the number of physical cores, shared by the processes
                          that mpirun started on a machine)`;

/** For a process that has others of its job beside it; a launcher may have bound it to processors of its own. */
function sharedThreads(): number | undefined {
  const processes = localSize();
  if (processes === 1) return undefined;
  const [bound, all] = [availableParallelism(), cpus().length];
  return bound < all ? bound : Math.max(1, Math.floor(all / processes));
}

export function engineOptions(values: {
  engine?: string;
  precision?: string;
  device?: string;
  threads?: string;
}): EngineOptions {
  const engine = oneOf(values.engine, 'engine', ENGINES);
  const precision = oneOf(values.precision, 'precision', PRECISIONS);
  if (precision === 'bf16' && engine !== 'auto' && engine !== 'openvino') {
    throw new UsageError(
      `--precision is 'bf16', which '${engine}' does not have; expected --engine openvino.`,
    );
  }
  const numThreads = values.threads === undefined ? sharedThreads() : integer(values.threads, 'threads', 1);
  const chosen = { engine, precision, ...(numThreads !== undefined && { numThreads }) };
  if (values.device === undefined) return chosen;
  if (engine !== 'onnxruntime') {
    throw new UsageError(
      `--device is '${values.device}' with --engine ${engine}; it is for --engine onnxruntime.`,
    );
  }
  return { ...chosen, device: oneOf(values.device, 'device', DEVICES) };
}

/** The batch in equal micro-batches, the largest that are no larger than `most`. */
export function microBatches(batchSize: number, most: number): { batchSize: number; microBatchSize: number } {
  let microBatchSize = Math.min(batchSize, most);
  while (batchSize % microBatchSize !== 0) microBatchSize--;
  return { batchSize, microBatchSize };
}

/** Runs an app: its exit status, and errors for people on standard error. */
export async function runMain(main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (error instanceof UsageError) console.error(`${error.message}\nMore: --help`);
    else if (error instanceof NonFiniteError) console.error(error.message);
    else
      console.error(
        process.env.DEBUG || !(error instanceof Error) ? error : `${error.message}\n(DEBUG=1 shows where.)`,
      );
    process.exitCode = 1;
  }
}
