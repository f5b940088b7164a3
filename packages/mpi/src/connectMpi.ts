import { createRequire } from 'node:module';
import { alone } from './alone';
import type { Communicator, Numbers } from './communicator';
import { libraryNames } from './findLibrary';
import { launchedByMpi, launchedSize } from './launchedByMpi';
import { loadMpi, type MpiLibrary } from './library';

export interface ConnectOptions {
  /** Path or name of the MPI library. Default: the environment's `BEIT_MPI`, or the launcher's kind among the system's. */
  readonly library?: string;
}

/**
 * Joins the job that `mpirun`, `srun` or another launcher started; a process that none of them started is a job of its own,
 * `alone`, for which no library is loaded. Once for a process.
 *
 * @throws when the library is not found, is not the launcher's, or koffi, which calls it, is not installed
 */
export async function connectMpi({ library }: ConnectOptions = {}): Promise<Communicator> {
  if (!launchedByMpi()) return alone;
  // UCX, which carries messages of MPICH and often of Open MPI, watches how a process allocates memory by taking the place
  // of some functions of the C library. With threads as Node has them the top of the heap can be given back while it is in
  // use, and the process crashes, one in fifty here. What is lost is its cache of memory that InfiniBand has pinned.
  process.env.UCX_MEM_EVENTS ??= 'no';
  const mpi = open(libraryNames(library));
  const [rank, size] = [mpi.rank(), mpi.size()];
  const launched = launchedSize();
  if (launched !== undefined && launched !== size)
    throw new Error(
      `The launcher started ${launched} processes, but ${mpi.version} sees ${size}: it is not the launcher's library. ` +
        "Name that one with BEIT_MPI, as a path or as the loader's name (libmpi.so.40, libmpich.so.12).",
    );
  const inTurn = createQueue();
  const checked = (root: number) => {
    if (!(Number.isInteger(root) && root >= 0 && root < size))
      throw new RangeError(`root is ${root}; expected a rank from 0 to ${size - 1}.`);
  };
  return {
    rank,
    size,
    library: mpi.version,
    allReduce: (data, reduction = 'sum') => inTurn(() => mpi.allReduce(data, reduction)),
    async broadcast(data, root = 0) {
      checked(root);
      await inTurn(() => mpi.broadcast(data, root));
    },
    async allGather(
      data,
      all = new (data.constructor as new (length: number) => typeof data)(data.length * size),
    ) {
      assertLength(all, data.length * size);
      await inTurn(() => mpi.allGather(data, all));
      return all;
    },
    async reduceScatter(data, own = new Float32Array(data.length / size)) {
      if (data.length % size !== 0)
        throw new RangeError(`The array has ${data.length} numbers; expected a multiple of ${size}.`);
      assertLength(own, data.length / size);
      await inTurn(() => mpi.reduceScatter(data, own));
      return own;
    },
    barrier: () => inTurn(() => mpi.barrier()),
    abort(status) {
      mpi.abort(status);
      process.exit(status);
    },
    close: () => inTurn(async () => mpi.finalize()),
  };
}

function assertLength({ length }: Numbers, expected: number): void {
  if (length !== expected)
    throw new RangeError(`The result's array has ${length} numbers; expected ${expected}.`);
}

function open(names: readonly string[]): MpiLibrary {
  const koffi = loadKoffi();
  const tried: string[] = [];
  for (const name of names) {
    try {
      // Loaded first, so that only a library that is not there lets the next one be tried.
      koffi.load(name);
    } catch (cause) {
      tried.push(`${name}: ${(cause as Error).message}`);
      continue;
    }
    return loadMpi(koffi, name);
  }
  throw new Error(
    `A launcher of MPI started this process, but no MPI library was found. Install the launcher's (Debian: libopenmpi3 ` +
      `or libmpich12), or name it with BEIT_MPI. Tried:\n  ${tried.join('\n  ')}`,
  );
}

/** The stack of a thread that calls MPI: on koffi's own 128 KiB MPICH crashes, with what threads have elsewhere not. */
const STACK_BYTES = 8 * 2 ** 20;

type Koffi = typeof import('koffi');

function loadKoffi(): Koffi {
  let koffi: Koffi;
  try {
    koffi = createRequire(import.meta.url)('koffi');
  } catch (cause) {
    throw new Error('MPI is called through koffi, which is not installed: npm install koffi', { cause });
  }
  try {
    koffi.config({ async_stack_size: STACK_BYTES });
  } catch (cause) {
    throw new Error('koffi has loaded another library already. Connect to MPI before anything else does.', {
      cause,
    });
  }
  return koffi;
}

/** One call after the other, in the order of asking, which is the same everywhere; one that fails stops no other. */
function createQueue(): <T>(call: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (call) => {
    const result = last.then(call);
    last = result.catch(() => {});
    return result;
  };
}
