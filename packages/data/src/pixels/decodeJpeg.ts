import { type Canvas, canvasAt } from './canvas';
import { huffmanTable, REST_OF_BLOCK } from './huffmanTable';
import { parseJpeg } from './parseJpeg';
import { addresses, copyTo, pixelKernels } from './pixelKernels';

// Our own: with sharp as decoder the loader makes half as many images per second and core (`pnpm bench:data`). Colours have
// to be exact in full size, so that nothing shrinks on load. @julusian/jpeg-turbo is as fast, but its release 3 wants Node
// 22.18, and it builds with cmake where it has no binary.

/** Larger images are left to others: the kernels' memory is for common ones. */
const MOST_PIXELS = 2 ** 24;
const MOST_BYTES = 2 ** 26;

/** Size of `Component` in `kernels/jpeg.ts`. */
const STRUCTURE_BYTES = 32;
const END_OF_IMAGE = Uint8Array.of(0xff, 0xd9);

/**
 * The most common kind of JPEG file, see `parseJpeg.ts`, as a canvas; its pixels are libjpeg's, to the bit.
 *
 * @returns undefined for other and for damaged files: those are to be decoded, or refused, by sharp
 */
export function decodeJpeg(bytes: Uint8Array): Canvas | undefined {
  const header = bytes.length <= MOST_BYTES ? parseJpeg(bytes) : undefined;
  if (!header) return undefined;
  const { width, height, halfAcross, halfDown, restartInterval } = header;
  const mcusAcross = Math.ceil(width / (halfAcross ? 16 : 8));
  const mcusDown = Math.ceil(height / (halfDown ? 16 : 8));
  // Where there are few columns, libjpeg interpolates none.
  if (height === 0 || width < 6 || width * height > MOST_PIXELS) return undefined;
  const scan = bytes.subarray(header.scan);
  const components = header.components.map((component, i) => {
    const [across, down] = i > 0 ? [1, 1] : [halfAcross ? 2 : 1, halfDown ? 2 : 1];
    const stride = 8 * across * mcusAcross;
    return { ...component, across, down, stride, samples: stride * 8 * down * mcusDown };
  });
  /** What the components refer to, by what it is made of: the colours share theirs. */
  const tables = new Map<object, ArrayBufferView | undefined>();
  for (const { factors, dc, ac } of components) {
    if (!tables.has(factors)) {
      const padded = new Int16Array(64 + REST_OF_BLOCK);
      padded.set(factors);
      tables.set(factors, padded);
    }
    if (!tables.has(dc)) tables.set(dc, huffmanTable('dc', dc));
    if (!tables.has(ac)) tables.set(ac, huffmanTable('ac', ac));
  }
  const contents = [...tables.values()];
  if (!contents.every((table) => table !== undefined)) return undefined;

  const kernels = pixelKernels();
  const [image, structures, data, stream, scratch, ...rest] = addresses(kernels, [
    4 * width * height + 32,
    3 * STRUCTURE_BYTES,
    scan.length + 20,
    scan.length + 4096,
    4 * (2 * components[0]!.stride + 32),
    ...components.map(({ samples }) => samples),
    ...contents.map(({ byteLength }) => byteLength),
  ]) as [number, number, number, number, number, ...number[]];
  const [planes, places] = [rest.slice(0, 3), rest.slice(3)];
  for (const [i, table] of contents.entries()) copyTo(kernels, places[i]!, table);
  const keys = [...tables.keys()];
  const addressOf = (key: object) => places[keys.indexOf(key)]!;
  for (const [i, { stride, across, down, factors, dc, ac }] of components.entries()) {
    const fields = [planes[i]!, stride, across, down, addressOf(factors), addressOf(dc), addressOf(ac), 0];
    copyTo(kernels, structures + STRUCTURE_BYTES * i, Int32Array.from(fields));
  }
  copyTo(kernels, data, scan);
  copyTo(kernels, data + scan.length, END_OF_IMAGE);
  const end = kernels.decodeScan(
    data,
    stream + scan.length + 4096,
    structures,
    mcusAcross,
    mcusDown,
    restartInterval,
  );
  // Sharp has something to say about what else there may be.
  if (end === 0 || scan[end - data + 1] !== END_OF_IMAGE[1]) return undefined;
  kernels.toPixels(structures, width, height, halfAcross, halfDown, scratch, image);
  return canvasAt(kernels, { image, free: structures, width, height, opaque: true });
}
