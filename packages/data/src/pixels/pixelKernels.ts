import { PIXEL_KERNELS } from './pixelKernels.wasm';

/** The loops over pixels, compiled to WebAssembly; what each does is said in `kernels/`. Addresses in bytes. */
export interface PixelKernels {
  /** Where addresses point to. Growing it makes views of its `buffer` useless: take new ones. */
  readonly memory: Memory;
  /** The first address that is free. */
  readonly heap: { readonly value: number };
  decodeScan(
    data: number,
    stream: number,
    components: number,
    mcusAcross: number,
    mcusDown: number,
    restartInterval: number,
  ): number;
  toPixels(
    components: number,
    width: number,
    height: number,
    halfAcross: boolean,
    halfDown: boolean,
    scratch: number,
    target: number,
  ): void;
  pack(source: number, target: number, pixels: number): void;
  graySum(image: number, pixels: number): number;
  blendWithLevel(image: number, pixels: number, level: number, factors: number): void;
  blendWithGray(image: number, pixels: number, factors: number): void;
  resampleAcross(
    source: number,
    target: number,
    width: number,
    rows: number,
    size: number,
    first: number,
    offset: number,
    pairs: number,
    step: 1 | -1,
  ): void;
  resampleDown(
    source: number,
    target: number,
    width: number,
    rows: number,
    first: number,
    offset: number,
    pairs: number,
  ): void;
  exactAcross(
    source: number,
    target: number,
    width: number,
    rows: number,
    size: number,
    first: number,
    offset: number,
    weights: number,
  ): void;
  exactDown(
    source: number,
    target: number,
    width: number,
    rows: number,
    first: number,
    offset: number,
    weights: number,
  ): void;
  normalize(
    image: number,
    target: number,
    pixels: number,
    ...factorsAndOffsets: [number, number, number, number, number, number]
  ): void;
  opacities(image: number, target: number, pixels: number): void;
}

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
/** What is used of it; Node's types leave it out. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => object;
    Memory: new (size: { initial: number }) => Memory;
    Instance: new (module: object, imports: object) => { exports: object };
  };
};

const PAGE = 65_536;
/** Memory never shrinks: after an image that took more than this it is given back. */
const MOST_KEPT = 64 * 2 ** 20;

let compiled: object | undefined;
let kept: PixelKernels | undefined;

/** The kernels. One image is worked on at a time: the next one reuses the memory. */
export function pixelKernels(): PixelKernels {
  if (kept && kept.memory.buffer.byteLength > MOST_KEPT) kept = undefined;
  kept ??= instantiate();
  return kept;
}

/** Kernels load and store 16 bytes at once, also where fewer are left. */
const aligned = (bytes: number) => (bytes + 31) & ~15;

/** Memory for pieces of these sizes, from `start` on: where each begins, and, last, where the free memory does. */
export function addresses(
  { memory, heap }: PixelKernels,
  sizes: readonly number[],
  start: number = aligned(heap.value),
): number[] {
  const places = [start];
  for (const size of sizes) places.push(places.at(-1)! + aligned(size));
  const missing = Math.ceil((places.at(-1)! - memory.buffer.byteLength) / PAGE);
  if (missing > 0) memory.grow(missing);
  return places;
}

/** Copies an array into the kernels' memory. */
export const copyTo = ({ memory }: PixelKernels, address: number, array: ArrayBufferView): void =>
  new Uint8Array(memory.buffer, address, array.byteLength).set(
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
  );

function instantiate(): PixelKernels {
  compiled ??= new WebAssembly.Module(Buffer.from(PIXEL_KERNELS, 'base64'));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return { memory, ...(exports as Omit<PixelKernels, 'memory'>) };
}
