import type { PjrtLibrary } from './library';

/** `PJRT_Program` of MLIR's text, and the memory that it points to, which must stay as long as it is used. */
export function encodeProgram({ part }: PjrtLibrary, text: string) {
  const [code, format] = [text, 'mlir'].map((string) => new TextEncoder().encode(string)) as [
    Uint8Array,
    Uint8Array,
  ];
  const program = part('Program', {
    code,
    codeSize: BigInt(code.length),
    format,
    formatSize: BigInt(format.length),
  });
  return { program, memory: [code, format] };
}
