import type { GraphBuilder } from '../graph/builder';
import { createGraphBuilder, emitBy } from '../graph/builder';
import type { Graph, Node } from '../graph/graph';
import { operation } from '../graph/operation';
import { algebraRules } from './algebraRules';
import { broadcastRules } from './broadcastRules';
import { checkedConstants } from './checkedIndices';
import { withoutEmptyTensors } from './emptyTensors';
import { factorRules } from './factorRules';
import { foldConstants } from './foldConstants';
import { layoutRules } from './layoutRules';
import { precisionRules } from './precision';
import { rebuildGraph } from './rebuildGraph';
import type { Rule } from './rule';

const RULES: readonly Rule[] = [
  foldConstants,
  checkedConstants,
  ...broadcastRules,
  ...algebraRules,
  ...factorRules,
  ...precisionRules,
  ...layoutRules,
];

/** A builder that tries every rule before it emits an op, and finds common subexpressions by itself. */
function simplifyingBuilder(rules: readonly Rule[]): GraphBuilder {
  const plain = createGraphBuilder();
  const builder: GraphBuilder = {
    ...plain,
    emit: emitBy((op, inputs, attributes) => {
      const given = operation(op, inputs, attributes);
      for (const rule of rules) {
        const better = rule(given, builder);
        if (better) return better;
      }
      return plain.emit(op, inputs, attributes);
    }),
  };
  return builder;
}

/** The graph with rules applied to every node, and without what nobody needs then. */
export const rewrite = (graph: Graph, rules: readonly Rule[]): Graph =>
  removeDeadCode(rebuildGraph(graph, simplifyingBuilder(rules)));

/** Without the nodes that no output needs. Inputs stay. */
function removeDeadCode(graph: Graph): Graph {
  const live = new Set([...graph.outputs.values()].map((value) => value.id));
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (node.op !== 'Input' && !node.outputs.some((output) => live.has(output.id))) continue;
    for (const input of node.inputs) live.add(input.id);
    nodes.push(node);
  }
  return { ...graph, nodes: nodes.reverse() };
}

/** A rewritten graph can offer new chances, but they run out quickly. */
const MOST_ROUNDS = 6;

/**
 * The graph with the same outputs and less work: tensors without elements left out, constants folded, common subexpressions shared, broadcasts kept
 * small, transposes cancelled, dead code removed.
 */
export function optimize(graph: Graph): Graph {
  let current = removeDeadCode(withoutEmptyTensors(graph));
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const next = rewrite(current, RULES);
    if (next.nodes.length === current.nodes.length && round > 0) return next;
    current = next;
  }
  return current;
}
