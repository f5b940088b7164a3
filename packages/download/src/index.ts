export { type Checksum, checksumOf } from './checksum';
export { type DownloadOptions, download } from './download';
export { type FetchedBytes, fetchBytes } from './fetchBytes';
export { type HttpFile, httpFile } from './httpFile';
export { type HttpOptions, UnreachableError } from './httpPieces';
export { LOCK, lastBeat, releaseLocks, withLock } from './withLock';
export { TemporaryError } from './withRetries';
