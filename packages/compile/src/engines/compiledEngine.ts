import type { HostTensor } from '@beit/weights';
import type { CompileOptions } from '../compileOptions';
import type { Trace } from '../record/trace';
import type { Tree } from '../tree';
import type { Program } from '../types';

/** Makes a program of a traced step. */
export type MakeProgram = (
  trace: Trace,
  state: Tree<HostTensor>,
  options: CompileOptions,
) => Promise<Omit<Program<unknown, unknown, unknown>, 'engine'>>;

/** An engine that runs traced programs. */
export interface CompiledEngine {
  /** What makes its programs, or `undefined` where it is not installed. */
  find(options: CompileOptions): Promise<MakeProgram | undefined>;
  /** What it needs, and how to get it. */
  readonly install: string;
}
