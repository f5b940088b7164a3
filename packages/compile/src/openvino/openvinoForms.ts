import { createGraphBuilder } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { removeDeadCode } from '../passes/optimize';
import { rebuildGraph } from '../passes/rebuildGraph';
import { biasBelowReshape } from './biasBelowReshape';
import { copyBesideViews } from './copyBesideViews';
import { elementwiseAsMatrices } from './elementwiseAsMatrices';
import { filterGradientProducts } from './filterGradients';
import { separateNorm } from './separateNorms';

/** The graph with what OpenVINO computes faster, or only computes right, in another form. */
export function openvinoForms(graph: Graph): Graph {
  const builder = createGraphBuilder();
  const asMatrices = elementwiseAsMatrices(graph, builder);
  const forms = rebuildGraph(graph, builder, (node, inputs) => {
    const value =
      separateNorm(node, inputs, builder) ??
      filterGradientProducts(node, inputs, builder) ??
      biasBelowReshape(node, inputs, builder) ??
      asMatrices(node, inputs);
    return value && [value];
  });
  return copyBesideViews(removeDeadCode(forms));
}
