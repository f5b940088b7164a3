import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Modules that are threads. Built, they lie beside this one; from source, above it. */
export type ThreadName = 'worker';

/** Starts one. From source, it must first learn to read TypeScript. */
export function startThread(
  name: ThreadName,
  options: Pick<WorkerOptions, 'workerData' | 'resourceLimits'>,
): Worker {
  const extension = /\.[cm]?[jt]s$/.exec(import.meta.url)![0];
  if (extension !== '.ts') return new Worker(new URL(`./${name}${extension}`, import.meta.url), options);
  const url = new URL(`../${name}.ts`, import.meta.url);
  const bootstrap = `import('tsx/esm/api').then(({ register }) => { register(); return import('${url}'); })`;
  return new Worker(bootstrap, { ...options, eval: true, execArgv: ['--conditions=@beit/source'] });
}
