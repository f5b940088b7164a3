/**
 * Compiles the kernels into src/pixels/pixelKernels.wasm.ts.
 *
 *   node kernels/build.mjs [--check]
 *
 * --check writes nothing, and exits with 1 when the file is not what the sources give.
 */
import { readFile, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

const SOURCES = ['pixels.ts', 'jpeg.ts'];
const target = new URL('../src/pixels/pixelKernels.wasm.ts', import.meta.url);

const read = async (name) => [name, await readFile(new URL(name, import.meta.url), 'utf8')];
const files = Object.fromEntries(await Promise.all(SOURCES.map(read)));
let binary;
const { error, stderr } = await asc.main(
  [
    ...[...SOURCES, '--outFile', 'pixels.wasm', '-O3', '--noAssert'],
    ...['--runtime', 'stub', '--importMemory', '--enable', 'simd'],
  ],
  {
    readFile: (name) => files[name] ?? null,
    writeFile: (_name, contents) => {
      binary = contents;
    },
    listFiles: () => [],
  },
);
if (error) {
  console.error(String(stderr), error.message);
  process.exit(1);
}
const lines = Buffer.from(binary)
  .toString('base64')
  .match(/.{1,100}/g);
const text = `/** Compiled from kernels/ by kernels/build.mjs; base64. */
export const PIXEL_KERNELS = [
${lines.map((line) => `  '${line}',`).join('\n')}
].join('');
`;
if (!process.argv.includes('--check')) await writeFile(target, text);
else if ((await readFile(target, 'utf8')) !== text) {
  console.error(
    'src/pixels/pixelKernels.wasm.ts is not what kernels/ gives: run `pnpm --filter @beit/data build:kernels`.',
  );
  process.exit(1);
}
