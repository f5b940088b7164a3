/** What a system says in codes, for people. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission to write there is denied to this user',
  EPERM: 'permission to write there is denied to this user',
  EROFS: 'it is on a file system that is read-only',
  ENOENT: 'nothing can be made there',
  ENOTDIR: 'it is a file',
  ENOSPC: 'the disk is full',
  // A folder or a file that is there is no error by then.
  EEXIST: 'its name is that of a link to what is not there',
};

/**
 * Makes a folder (Node), and those that it is in. Step by step: Node's own `recursive` never ends where nothing can be made, as
 * below `/proc`.
 *
 * @throws when it can't be made: the error names the folder that was to have it, and what is wrong with that
 */
export async function makeFolder(folder: string): Promise<void> {
  // Invisible to bundlers: the rest of this package runs in browsers as it is.
  const { mkdir, stat } = process.getBuiltinModule('node:fs/promises');
  const { dirname, resolve } = process.getBuiltinModule('node:path');
  const path = resolve(folder);
  const above = dirname(path);
  const make = () =>
    mkdir(path).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error,
    );
  let error = await make();
  if (error?.code === 'ENOENT' && above !== path) {
    await makeFolder(above);
    error = await make();
  }
  if (!error) return;
  const info = await stat(path).catch(() => undefined);
  if (info?.isDirectory()) return;
  if (info) throw new Error(`The folder '${path}' cannot be made: it is a file. Give another one.`);
  const why = REASONS[error.code ?? ''] ?? error.message;
  throw new Error(`The folder '${path}' cannot be made in '${above}': ${why}. Give another one.`, {
    cause: error,
  });
}
