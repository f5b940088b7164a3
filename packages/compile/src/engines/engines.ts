import type { Step, TensorSpec, Tree } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import type { CompileOptions } from '../compileOptions';
import type { Trace } from '../record/trace';
import type { CompiledProgram, GivenTensor } from '../types';

/** Makes a program of a traced step. */
export type MakeProgram = (
  trace: Trace,
  state: Tree<GivenTensor>,
  options: CompileOptions,
) => Promise<HostProgram>;
export type HostProgram = Omit<CompiledProgram<unknown, unknown, unknown>, 'engine'>;

/** An engine that runs traced programs. */
export interface CompiledEngine {
  /** What makes its programs, or `undefined` where it is not installed. */
  find(options: CompileOptions): Promise<MakeProgram | undefined>;
  /** What it needs, and how to get it. */
  readonly install: string;
}

/** An engine that runs a step op by op. */
export interface EagerEngine {
  /** Whether it is installed. */
  find(): Promise<boolean>;
  /** @throws when it is not installed, with what it needs and how to get it */
  program(
    step: Step<Tree<tf.Tensor>, Tree<tf.Tensor>, Tree<tf.Tensor>>,
    state: Tree<GivenTensor>,
    inputs: Tree<TensorSpec | GivenTensor>,
  ): Promise<HostProgram>;
}

/** Engines by name, fastest first. */
export interface Engines {
  readonly compiled: Readonly<Record<string, CompiledEngine>>;
  /** Besides `tfjs`, which is everywhere. */
  readonly eager: Readonly<Record<string, EagerEngine>>;
}
