import type { HostTensor, Step, Tree } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import type { CompileOptions, Device } from '../compileOptions';
import type { Bfloat16Options } from '../passes/precision';
import type { Trace } from '../record/trace';
import type { SpecTree } from '../specTree';
import type { GivenTensor, Precision, ProgramMemory } from '../types';

/** Programs over one state, as an engine keeps them. */
export interface HostPrograms {
  /** What the one of them takes that takes most, where the engine tells. */
  readonly memory?: ProgramMemory;
  run(name: string, inputs: Tree<GivenTensor>): Promise<Tree<HostTensor>>;
  /** Takes the inputs of a coming run; `run` of the same object then has them. */
  send(name: string, inputs: Tree<GivenTensor>): void;
  /** @param groups names of the state's own groups. Default: all of it */
  readState(groups?: readonly string[]): Promise<Tree<HostTensor>>;
  /** @param state all of it, or whole groups */
  writeState(state: Tree<GivenTensor>, part: 'all' | 'groups'): Promise<void>;
  dispose(): Promise<void>;
}

/** A step that is run op by op, and its inputs. */
export interface EagerStep {
  readonly step: Step<Tree<tf.Tensor>, Tree<tf.Tensor>, Tree<tf.Tensor>>;
  readonly inputs: SpecTree;
}

/** Makes programs of traced steps. */
export type MakePrograms = (
  traces: ReadonlyMap<string, Trace>,
  stateTree: SpecTree,
  state: Tree<GivenTensor>,
  options: CompileOptions,
) => Promise<HostPrograms>;

/** An engine that can be used: what makes its programs, and which it is, in words. */
export interface FoundEngine {
  readonly make: MakePrograms;
  readonly about: string;
}

/** An engine that runs traced programs. */
export interface CompiledEngine {
  /** `undefined` where it is not installed; a reason, asked for only where it is told, where it can't be used or an automatic choice takes another. */
  find(options: CompileOptions): Promise<FoundEngine | { readonly why: () => Promise<string> } | undefined>;
  /** What it needs, and how to get it. */
  readonly install: string;
  /** What it computes products in. */
  readonly precisions: readonly Precision[];
  /** How it likes programs of bfloat16. */
  readonly bfloat16?: Bfloat16Options;
  /** What it runs programs on. */
  readonly devices: readonly Device[];
}

/** An engine that runs a step op by op, in float32. */
export interface EagerEngine {
  /** Whether it is installed. */
  find(): Promise<boolean>;
  /** @throws when it is not installed, with what it needs and how to get it */
  programs(
    steps: ReadonlyMap<string, EagerStep>,
    stateTree: SpecTree,
    state: Tree<GivenTensor>,
  ): Promise<HostPrograms>;
}

/** Engines by name, fastest first. */
export interface Engines {
  readonly compiled: Readonly<Record<string, CompiledEngine>>;
  /** Besides `tfjs`, which is everywhere. */
  readonly eager: Readonly<Record<string, EagerEngine>>;
}

/** A module of an optional package, or `undefined` where the package is not installed. */
export async function importOptional<M>(load: () => Promise<unknown>): Promise<M | undefined> {
  try {
    const module = await load();
    return ((module as { default?: M }).default ?? module) as M;
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
