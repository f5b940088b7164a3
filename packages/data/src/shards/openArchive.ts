import { openRegularSync } from '../files/regularFile';
import { ShardError } from './shardError';

/**
 * Opens a shard on this machine.
 *
 * @returns its descriptor and its size in bytes
 * @throws ShardError with the system's `code` when it is no regular file, is not there or may not be read
 */
export function openArchive(path: string): ReturnType<typeof openRegularSync> {
  try {
    return openRegularSync(path);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    throw Object.assign(new ShardError(message, { cause: error }), code !== undefined && { code });
  }
}
