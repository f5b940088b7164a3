/** What a program for a GPU is made of once XLA has optimized it. */
export interface GpuCounts {
  /** Kernels of cuBLAS and cuDNN. */
  readonly products: number;
  readonly others: number;
  /** All that kernels write into the GPU's memory, workspaces of products included. */
  readonly bytesWritten: number;
}

const BYTES: Readonly<Record<string, number>> = {
  f32: 4,
  s32: 4,
  u32: 4,
  bf16: 2,
  f16: 2,
  pred: 1,
  s8: 1,
  u8: 1,
  s64: 8,
};
const INSTRUCTION = /^\s+(?:ROOT )?%?[\w.-]+ = (\(.*?\)|\S+) ([a-z][\w-]*)\(/;
/** They run nothing. */
const NO_KERNEL = new Set(['parameter', 'constant', 'bitcast', 'tuple', 'get-tuple-element']);

/** Bytes of a type, or of all types in a tuple: `(f32[2,3]{1,0}, s8[16]{0})`. */
function bytesOf(type: string): number {
  let bytes = 0;
  for (const [, element = '', dims = ''] of type.matchAll(/\b([a-z]\w*)\[([\d,]*)\]/g)) {
    const size = dims.split(',').reduce((product, dim) => product * (dim === '' ? 1 : Number(dim)), 1);
    bytes += size * (BYTES[element] ?? 0);
  }
  return bytes;
}

/**
 * Counts the kernels of a program for a GPU, in XLA's text format.
 *
 * @throws Error when the text has no entry computation
 */
export function gpuCounts(text: string): GpuCounts {
  const entry = /^ENTRY [^\n]*\n([\s\S]*?)^\}/m.exec(text)?.[1];
  if (entry === undefined) throw new Error('The text is no HLO module: it has no entry computation.');
  let [products, others, bytesWritten] = [0, 0, 0];
  for (const line of entry.split('\n')) {
    const [, type = '', opcode = ''] = INSTRUCTION.exec(line) ?? [];
    if (opcode === '' || NO_KERNEL.has(opcode)) continue;
    if (opcode === 'custom-call' && /custom_call_target="__cu(?:blas|dnn)/.test(line)) products += 1;
    else others += 1;
    bytesWritten += bytesOf(type);
  }
  return { products, others, bytesWritten };
}
