import type { ValueType } from '../graph/graph';
import type { Each } from '../graph/lists';
import type { Inputs, Node, OnnxruntimeOps, Outputs, ProgramOps } from '../graph/ops';
import type { OnnxAttribute } from './proto';

/** Writes ONNX nodes one after the other, and names what they make. */
export interface OnnxWriter {
  /** One node; its outputs are named here. An output that nobody asked for is not computed. */
  emit(
    op: string,
    inputs: readonly string[],
    attributes?: Record<string, OnnxAttribute>,
    domain?: string,
  ): string;
  emitInto(
    outputs: readonly string[],
    op: string,
    inputs: readonly string[],
    attributes?: Record<string, OnnxAttribute>,
    domain?: string,
  ): void;
  /** A list of integers, as ONNX takes shapes and axes. */
  integers(values: readonly number[]): string;
  float(value: number): string;
  /** A number of a type that tensors of programs have. */
  scalar(value: number, dtype: ValueType): string;
  /** A list of int32. */
  indices(values: readonly number[]): string;
}

/** `onnxRules` leave no `Step` in a graph. */
export type OnnxOp = Exclude<keyof ProgramOps | keyof OnnxruntimeOps, 'Step'>;

export type OnnxLowering<K extends OnnxOp> = (
  node: Node<K>,
  /** The ONNX names of the node's inputs. */
  inputs: Each<Inputs<K>, string>,
  /** The ONNX names that its outputs must get; '' for one that nobody uses. */
  outputs: Each<Outputs<K>, string>,
  writer: OnnxWriter,
) => void;
