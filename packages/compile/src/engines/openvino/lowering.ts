import type { Each } from '../../graph/lists';
import type { FormOps, Inputs, Node, OpenvinoOps, ProgramOps } from '../../graph/ops';
import type { IrWriter, Port } from './ir';

/** `openvinoForms` leave none of these. */
export type OpenvinoOp = Exclude<keyof ProgramOps | keyof FormOps | keyof OpenvinoOps, 'Step' | 'Mod'>;

/** What a node becomes: the ports of its outputs. */
export type IrLowering<K extends OpenvinoOp> = (
  node: Node<K>,
  inputs: Each<Inputs<K>, Port>,
  writer: IrWriter,
) => Port | readonly Port[];
