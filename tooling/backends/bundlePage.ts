import { dirname, join } from 'node:path';
import { build } from 'esbuild';

/**
 * The page's script as a bundler makes it for browsers, from the packages' sources.
 *
 * @returns the script, and the files in it, relative to the workspace
 * @throws when something in it is for Node alone
 */
export async function bundlePage(): Promise<{ script: Uint8Array; files: string[] }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(__dirname, 'page.ts')],
    absWorkingDir: dirname(dirname(__dirname)),
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'esm',
    conditions: ['@beit/source'],
    logLevel: 'silent',
  });
  return { script: outputFiles[0]!.contents, files: Object.keys(metafile.inputs) };
}
