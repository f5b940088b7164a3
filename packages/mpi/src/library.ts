/**
 * MPI's C library, called directly. The standard fixes functions, not numbers: handles are addresses in Open MPI and
 * integers in MPICH and its relatives (Intel MPI, MVAPICH, Cray MPICH), which share one binary interface.
 * References: MPI 4.1, https://www.mpi-forum.org/docs; mpi.h of Open MPI 4.1 and MPICH 4.0; the MPICH ABI initiative.
 */
import type { Numbers, Reduction } from './communicator';

type Koffi = typeof import('koffi');
type Handle = unknown;

/** The functions of the library, each throwing the library's own message when it fails. */
export interface MpiLibrary {
  readonly version: string;
  rank(): number;
  size(): number;
  allReduce(data: Exclude<Numbers, Uint8Array>, reduction: Reduction): Promise<void>;
  broadcast(data: Numbers, root: number): Promise<void>;
  allGather(own: Numbers, all: Numbers): Promise<void>;
  reduceScatter(data: Float32Array, own: Float32Array): Promise<void>;
  barrier(): Promise<void>;
  abort(status: number): void;
  finalize(): void;
}

interface Abi {
  readonly handle: 'void*' | 'int';
  /** The address that stands for "the result's array has the input". */
  readonly inPlace: number;
  readonly world: Handle;
  type(data: Numbers): Handle;
  reduction(name: Reduction): Handle;
}

/** One thread at a time calls MPI, not always the same one. */
const THREAD_SERIALIZED = 2;
const VERSION_BYTES = 8192;
const ERROR_BYTES = 1024;
/** Counts are int. */
const MOST_AT_ONCE = 2 ** 30;

/**
 * Loads the library and joins the job.
 *
 * @throws when it can't be loaded, lacks a function, or allows calls from the first thread only
 */
export function loadMpi(koffi: Koffi, path: string): MpiLibrary {
  // Plugins of Open MPI look for its functions among those of the whole process.
  const library = koffi.load(path, { global: true });
  keepLoaded(koffi, path);
  const abi = abiOf(library, path);
  const { handle, world, inPlace } = abi;
  const define = (declaration: string) => library.func(declaration.replaceAll('handle', handle));

  const initThread = define('int MPI_Init_thread(void* argc, void* argv, int required, _Out_ int* provided)');
  const commRank = define('int MPI_Comm_rank(handle comm, _Out_ int* rank)');
  const commSize = define('int MPI_Comm_size(handle comm, _Out_ int* size)');
  const libraryVersion = define('int MPI_Get_library_version(void* version, _Out_ int* length)');
  const errorString = define('int MPI_Error_string(int code, void* text, _Out_ int* length)');
  const allReduce = define(
    'int MPI_Allreduce(intptr_t from, void* to, int count, handle type, handle op, handle comm)',
  );
  const bcast = define('int MPI_Bcast(void* data, int count, handle type, int root, handle comm)');
  const allGather = define(
    'int MPI_Allgather(void* own, int count, handle type, void* all, int each, handle sameType, handle comm)',
  );
  const reduceScatterBlock = define(
    'int MPI_Reduce_scatter_block(void* from, void* own, int count, handle type, handle op, handle comm)',
  );
  const barrier = define('int MPI_Barrier(handle comm)');
  const abort = define('int MPI_Abort(handle comm, int status)');
  const finalize = define('int MPI_Finalize()');

  const textOf = (bytes: Uint8Array, length: number) =>
    new TextDecoder().decode(bytes.subarray(0, length)).trim();
  const check = (name: string, code: number): void => {
    if (code === 0) return;
    const [bytes, length] = [new Uint8Array(ERROR_BYTES), [0]];
    errorString(code, bytes, length);
    throw new Error(`${name} of MPI failed: ${textOf(bytes, length[0]!)}`);
  };
  const one = (call: (out: number[]) => number, name: string): number => {
    const out = [0];
    check(name, call(out));
    return out[0]!;
  };
  const onThread = (name: string, f: ReturnType<typeof define>, ...args: unknown[]): Promise<void> =>
    new Promise((resolve, reject) => {
      f.async(...args, (error: Error | null, code: number) => {
        try {
          if (error) throw error;
          check(name, code);
          resolve();
        } catch (cause) {
          reject(cause);
        }
      });
    });
  /** Long arrays in parts, because counts are int. */
  const inParts = async <A extends Numbers>(data: A, call: (part: A) => Promise<void>): Promise<void> => {
    for (let from = 0; from < data.length; from += MOST_AT_ONCE)
      await call(data.subarray(from, from + MOST_AT_ONCE) as A);
  };

  const provided = one((out) => initThread(null, null, THREAD_SERIALIZED, out), 'MPI_Init_thread');
  if (provided < THREAD_SERIALIZED)
    throw new Error(
      `The MPI library ${path} may be called from its first thread only (it provides level ${provided}; ` +
        `${THREAD_SERIALIZED}, MPI_THREAD_SERIALIZED, is needed). Take one that was built with threads.`,
    );
  const versionBytes = new Uint8Array(VERSION_BYTES);
  const versionLength = one((out) => libraryVersion(versionBytes, out), 'MPI_Get_library_version');
  return {
    version: textOf(versionBytes, versionLength)
      .split(/[\n,]/)[0]!
      .replace(/\s*Version:\s*/, ' '),
    rank: () => one((out) => commRank(world, out), 'MPI_Comm_rank'),
    size: () => one((out) => commSize(world, out), 'MPI_Comm_size'),
    allReduce: (data, reduction) =>
      inParts(data, (part) =>
        onThread(
          'MPI_Allreduce',
          allReduce,
          inPlace,
          part,
          part.length,
          abi.type(part),
          abi.reduction(reduction),
          world,
        ),
      ),
    broadcast: (data, root) =>
      inParts(data, (part) => onThread('MPI_Bcast', bcast, part, part.length, abi.type(part), root, world)),
    allGather: (own, all) =>
      onThread(
        'MPI_Allgather',
        allGather,
        own,
        own.length,
        abi.type(own),
        all,
        own.length,
        abi.type(own),
        world,
      ),
    reduceScatter: (data, own) =>
      onThread(
        'MPI_Reduce_scatter_block',
        reduceScatterBlock,
        data,
        own,
        own.length,
        abi.type(data),
        abi.reduction('sum'),
        world,
      ),
    barrier: () => onThread('MPI_Barrier', barrier, world),
    abort: (status) => void abort(world, status),
    finalize: () => check('MPI_Finalize', finalize()),
  };
}

/** Flags of dlopen(3): bind all symbols now; show them to libraries that are loaded later; never unload. */
const RTLD = { now: 0x2, global: 0x100, noDelete: 0x1000 };

/**
 * Keeps the library until the process is gone. koffi unloads it before, and what Open MPI leaves behind when it has spoken
 * TCP then runs into memory that is no more: every process that had sent something crashed at its very end.
 */
function keepLoaded(koffi: Koffi, path: string): void {
  if (process.platform !== 'linux') return;
  const dlopen = koffi.load(null).func('void* dlopen(const char* path, int flags)');
  dlopen(path, RTLD.now | RTLD.global | RTLD.noDelete);
}

function abiOf(library: ReturnType<Koffi['load']>, path: string): Abi {
  const symbol = (name: string): Handle => library.symbol(name, 'char');
  const has = (name: string): boolean => {
    try {
      symbol(name);
      return true;
    } catch {
      return false;
    }
  };
  const kind = ({ BYTES_PER_ELEMENT: bytes }: Numbers, isFloat: boolean) =>
    isFloat ? (bytes === 4 ? 'float' : 'double') : bytes === 1 ? 'byte' : 'int';
  const isFloat = (data: Numbers) => data instanceof Float32Array || data instanceof Float64Array;
  if (has('ompi_mpi_comm_world'))
    return {
      handle: 'void*',
      inPlace: 1,
      world: symbol('ompi_mpi_comm_world'),
      type: (data) => symbol(`ompi_mpi_${kind(data, isFloat(data))}`),
      reduction: (name) => symbol(`ompi_mpi_op_${name}`),
    };
  if (!has('MPI_Init_thread'))
    throw new Error(`${path} is no MPI library: it has no function MPI_Init_thread.`);
  const types = { float: 0x4c00040a, double: 0x4c00080b, int: 0x4c000405, byte: 0x4c00010d };
  const reductions = { max: 0x58000001, min: 0x58000002, sum: 0x58000003 };
  return {
    handle: 'int',
    inPlace: -1,
    world: 0x44000000,
    type: (data) => types[kind(data, isFloat(data))],
    reduction: (name) => reductions[name],
  };
}
