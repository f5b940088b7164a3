import type { Communicator } from './communicator';

/** One process, without MPI: a job of its own. */
export const alone: Communicator = {
  rank: 0,
  size: 1,
  library: 'none',
  allReduce: async () => {},
  broadcast: async () => {},
  allGather: async (data) => data.slice() as typeof data,
  reduceScatter: async (data) => data.slice(),
  barrier: async () => {},
  abort: (status) => process.exit(status),
  close: async () => {},
};
