import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const APPS = ['pretrain', 'classify', 'ade20k'] as const;
export type App = (typeof APPS)[number];

/** A source file of an app: apps are started by their paths, and import no others. */
export const sourceOf = (app: App, file: string): string =>
  fileURLToPath(new URL(join(`../../${app}/src`, `${file}.ts`), import.meta.url));

/** What a source file of an app exports: what reads its files. */
export const fromApp = <Exports>(app: App, file: string): Promise<Exports> =>
  import(pathToFileURL(sourceOf(app, file)).href);
