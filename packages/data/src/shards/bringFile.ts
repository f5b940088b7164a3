import { type DownloadOptions, download } from '@beit/download';
import { ShardError } from './shardError';

/**
 * Brings a file of a server to `path`, whole or not at all.
 *
 * @throws ShardError when it can't be brought
 */
export const bringFile = (address: string, path: string, options: DownloadOptions): Promise<void> =>
  download(address, path, options).catch((cause: Error) => {
    throw new ShardError(cause.message, { cause });
  });
