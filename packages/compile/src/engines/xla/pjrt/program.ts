import type { PjrtLibrary } from './library';

/** `PJRT_Program` of MLIR's text. */
export function encodeProgram({ part }: PjrtLibrary, text: string): Uint8Array {
  const [code, format] = [text, 'mlir'].map((string) => new TextEncoder().encode(string)) as [
    Uint8Array,
    Uint8Array,
  ];
  return part('Program', {
    code,
    codeSize: BigInt(code.length),
    format,
    formatSize: BigInt(format.length),
  });
}
