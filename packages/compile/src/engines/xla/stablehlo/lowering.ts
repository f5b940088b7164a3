import type { Each } from '../../../graph/lists';
import type { FormOps, Inputs, Node, ProgramOps } from '../../../graph/ops';
import type { IndexCheck } from '../../../passes/checkedIndices';
import type { Ref, StablehloWriter } from './writer';

export interface LoweringWriter extends StablehloWriter {
  /** What the program is to run on, where that is known. */
  readonly platform: string | undefined;
  /** How exactly operands of products are multiplied: `precision_config`. */
  readonly precision: string;
  /** Has a run tell the smallest and the largest of `indices`, a tensor of int32. */
  check(indices: Ref, check: IndexCheck): void;
}

/** `stablehloRules` leave none of the others. */
export type XlaOp = Exclude<keyof ProgramOps, 'ReduceMean' | 'Atan'> | keyof FormOps;

/** What a node becomes: its outputs. */
export type Lowering<K extends XlaOp> = (
  node: Node<K>,
  inputs: Each<Inputs<K>, Ref>,
  w: LoweringWriter,
) => Ref | readonly Ref[];
