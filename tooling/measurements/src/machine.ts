import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';

/** What a number depends on besides the code. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Instructions for matrix products in bf16, where the system tells (Linux on x86). */
  readonly bf16Instructions: readonly string[];
  readonly system: string;
  readonly node: string;
}

export const describeMachine = (): Machine => ({
  processor: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memoryBytes: totalmem(),
  bf16Instructions: bf16Instructions(),
  system: `${process.platform} ${process.arch}`,
  node: process.version,
});

function bf16Instructions(): string[] {
  if (process.platform !== 'linux') return [];
  const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' '));
  return ['avx512_bf16', 'amx_bf16'].filter((flag) => flags.has(flag));
}

export const machineLine = ({ processor, cores, memoryBytes, bf16Instructions, node }: Machine): string =>
  [
    processor,
    `${cores} cores`,
    `${Math.round(memoryBytes / 2 ** 30)} GiB`,
    bf16Instructions.join(' and ') || 'no bf16 instructions',
    `Node ${node.slice(1)}`,
  ].join(', ');
