/**
 * What launchers tell the processes that they start: Open MPI's mpirun; PMIx (Open MPI 5, Slurm's srun --mpi=pmix); Hydra
 * of MPICH and Intel MPI, and srun --mpi=pmi2.
 */
const SIZES = ['OMPI_COMM_WORLD_SIZE', 'PMI_SIZE'] as const;
const RANKS = ['OMPI_COMM_WORLD_RANK', 'PMIX_RANK', 'PMI_RANK'] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether mpirun, srun or another launcher of MPI started this process. Loads nothing. */
export const launchedByMpi = (env: Environment = process.env): boolean =>
  [...SIZES, ...RANKS].some((name) => env[name] !== undefined);

const LOCAL_SIZES = ['OMPI_COMM_WORLD_LOCAL_SIZE', 'MPI_LOCALNRANKS', 'SLURM_NTASKS_PER_NODE'] as const;

/** How many of the job's processes share this machine, where the launcher says so; 1 for a process that none started. */
export function localSize(env: Environment = process.env): number {
  const said = LOCAL_SIZES.map((name) => env[name]).find((value) => value !== undefined);
  return launchedByMpi(env) && said !== undefined ? Math.max(1, Number.parseInt(said, 10)) : 1;
}

/** How many processes it started, where it says so. */
export function launchedSize(env: Environment = process.env): number | undefined {
  const said = SIZES.map((name) => env[name]).find((value) => value !== undefined);
  return said === undefined ? undefined : Number(said);
}
