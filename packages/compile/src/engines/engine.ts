import type { HostTensor } from '@beit/tensors';
import { mapTree, type Tree } from '@beit/tensors';
import { sizeOf } from '../graph/graph';
import { emptyArray } from '../passes/emptyTensors';
import type { Trace } from '../record/trace';
import { isPath } from '../specTree';
import type { HostArray } from './alignedArray';

/** The outputs of a run, from the arrays over which an engine writes them: copies, since the next run writes there again. */
export const outputsFrom = (trace: Trace, arrayOf: (path: string) => HostArray): Tree<HostTensor> =>
  mapTree<string, HostTensor>(trace.outputs, isPath, (path) => {
    const { dtype, shape } = trace.graph.outputs.get(`outputs/${path}`)!;
    // TensorFlow.js's booleans are bytes on the host.
    const data = sizeOf(shape) === 0 ? emptyArray(dtype) : arrayOf(path).slice();
    return { dtype: dtype === 'bool' ? 'uint8' : dtype, shape, data } as HostTensor;
  });

/** The state over the arrays that hold it: those of tensors that have elements. */
export const stateFrom = (trace: Trace, arrayOf: (path: string) => HostArray | undefined): Tree<HostTensor> =>
  mapTree<string, HostTensor>(trace.stateTree, isPath, (path) => {
    const spec = trace.state.get(path)!;
    return { ...spec, data: arrayOf(path) ?? emptyArray(spec.dtype) };
  });

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
