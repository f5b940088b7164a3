import { createGraphBuilder } from '../../graph/builder';
import type { Graph } from '../../graph/graph';
import { constantsApart } from '../../passes/constantsApart';
import { foldConstants } from '../../passes/foldConstants';
import { rewrite } from '../../passes/optimize';
import { rebuildGraph } from '../../passes/rebuildGraph';
import { biasBelowReshape } from './biasBelowReshape';
import { copyBesideViews } from './copyBesideViews';
import { dilatedFilters } from './dilatedFilters';
import { elementwiseAsMatrices } from './elementwiseAsMatrices';
import { exactInt32 } from './exactInt32';
import { filterGradientProducts } from './filterGradients';
import { keepNaN } from './keepNaN';
import { oddChannels } from './oddChannels';
import { remainder } from './remainder';
import { separateNorm } from './separateNorms';
import { type ConstantInput, sharedConstants } from './sharedConstants';

/**
 * The graph with what OpenVINO computes faster, or only computes right, in another form, and the constants that are its
 * inputs.
 */
export function openvinoForms(program: Graph): { graph: Graph; constants: readonly ConstantInput[] } {
  const graph = rewrite(program, [foldConstants, constantsApart, remainder, ...keepNaN, ...exactInt32]);
  const builder = createGraphBuilder();
  const asMatrices = elementwiseAsMatrices(graph, builder);
  const forms = rebuildGraph(graph, builder, (node) => {
    const value =
      separateNorm(node, builder) ??
      filterGradientProducts(node, builder) ??
      dilatedFilters(node, builder) ??
      biasBelowReshape(node, builder) ??
      asMatrices(node);
    return value && [value];
  });
  const { graph: whole, constants } = sharedConstants(rewrite(forms, oddChannels));
  return { graph: copyBesideViews(whole), constants };
}
