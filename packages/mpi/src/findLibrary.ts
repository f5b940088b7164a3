import { existsSync } from 'node:fs';

/**
 * Names that the dynamic loader is asked for: Open MPI's, MPICH's and its relatives'. Which of them comes first depends on
 * who launched the process: the library must be the launcher's.
 */
const OPEN_MPI = { linux: ['libmpi.so.40', 'libmpi.so.80'], darwin: ['libmpi.40.dylib', 'libmpi.80.dylib'] };
const MPICH = { linux: ['libmpi.so.12', 'libmpich.so.12'], darwin: ['libmpi.12.dylib', 'libmpich.12.dylib'] };
const OTHERS = {
  linux: ['libmpi.so'],
  darwin: ['/opt/homebrew/lib/libmpi.dylib', '/usr/local/lib/libmpi.dylib'],
};

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Paths or names of libraries to try, in this order: the one that was named, then those of the launcher's kind, then the
 * others.
 *
 * @throws when one was named and is not there, or where there is no MPI for the system
 */
export function libraryNames(
  library?: string,
  env: Environment = process.env,
  platform: string = process.platform,
): readonly string[] {
  const named = library ?? env.BEIT_MPI;
  if (named) {
    if (named.includes('/') && !existsSync(named))
      throw new Error(
        `There is no MPI library ${named}, where ${library ? 'the option' : 'BEIT_MPI'} says it is.`,
      );
    return [named];
  }
  if (platform !== 'linux' && platform !== 'darwin')
    throw new Error(`MPI is called on Linux and macOS; this is ${platform}. Name the library with BEIT_MPI.`);
  const isOpenMpi = env.OMPI_COMM_WORLD_SIZE !== undefined;
  const [first, second] = isOpenMpi ? [OPEN_MPI, MPICH] : [MPICH, OPEN_MPI];
  return [...first[platform], ...second[platform], ...OTHERS[platform]];
}
