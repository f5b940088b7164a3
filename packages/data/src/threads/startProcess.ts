import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Modules that are processes. Built, they lie beside this one; from source, above it. */
export type ProcessName = 'parquetProcess';

/**
 * Starts one, which speaks by messages. Unlike a thread it can come to the end of its memory and end itself alone: for
 * threads, Node promises that only while no single array is large.
 *
 * @param megabytes of its heap, at most
 */
export function startProcess(name: ProcessName, megabytes: number): ChildProcess {
  const extension = /\.[cm]?[jt]s$/.exec(import.meta.url)![0];
  const isSource = extension === '.ts';
  const url = new URL(isSource ? `../${name}.ts` : `./${name}${extension}`, import.meta.url);
  const typescript = () => pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return fork(fileURLToPath(url), [], {
    execArgv: [
      `--max-old-space-size=${megabytes}`,
      ...(isSource ? ['--conditions=@beit/source', '--import', typescript()] : []),
    ],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}
