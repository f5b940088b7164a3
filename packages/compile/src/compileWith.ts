import type { Step, TensorSpec, Tree, TreeOf } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import type { CompileOptions } from './compileOptions';
import { checkedLeaves } from './engines/checkedLeaves';
import type { Engines } from './engines/engines';
import { idleProgram } from './engines/idleProgram';
import { tfjsProgram } from './engines/tfjsEngine';
import { optimize } from './passes/optimize';
import { toBfloat16 } from './passes/precision';
import { registerEinsumGradient } from './record/einsum';
import { trace } from './record/trace';
import { specTree } from './specTree';
import type { CompiledProgram, EngineName, GivenTensor } from './types';

/** `compile` with these engines, and TensorFlow.js itself. */
export async function compileWith<
  S extends Tree<tf.Tensor>,
  I extends Tree<tf.Tensor>,
  O extends Tree<tf.Tensor>,
>(
  engines: Engines,
  step: Step<S, I, O>,
  tensors: { readonly state: TreeOf<S, GivenTensor>; readonly inputs: TreeOf<I, TensorSpec | GivenTensor> },
  options: CompileOptions,
): Promise<CompiledProgram<S, I, O>> {
  const { engine = 'auto', precision = 'fp32' } = options;
  const { compiled, eager } = engines;
  const names = ['auto', ...Object.keys(compiled), ...Object.keys(eager), 'tfjs'];
  if (!names.includes(engine)) {
    throw new Error(`There is no engine '${engine}' here. Engines: ${names.join(', ')}.`);
  }
  if (precision !== 'fp32' && precision !== 'bf16') {
    throw new Error(`There is no precision '${precision}'. Precisions: fp32, bf16.`);
  }
  const state = tensors.state as Tree<GivenTensor>;
  const inputs = tensors.inputs as Tree<TensorSpec | GivenTensor>;
  // Before anything is looked for or traced, and by every engine.
  checkedLeaves(state, specTree(state, 'state').specs, 'state');
  specTree(inputs, 'input');
  for (const [name, { find, install }] of Object.entries(compiled)) {
    if (engine !== 'auto' && engine !== name) continue;
    if (precision === 'bf16' && name !== 'openvino') continue;
    const make = await find(options);
    if (!make) {
      if (engine === name) throw new Error(`The engine '${name}' needs ${install}`);
      continue;
    }
    // A backend that starts asynchronously may be registered: tracing needs one to go back to.
    await tf.ready();
    const traced = trace(step, tensors.state, tensors.inputs);
    if (traced.graph.outputs.size === 0) {
      return { engine: name, ...idleProgram(traced, state) } as unknown as CompiledProgram<S, I, O>;
    }
    const graph = optimize(traced.graph);
    const lowered = precision === 'bf16' ? optimize(toBfloat16(graph)) : graph;
    const program = await make({ ...traced, graph: lowered }, state, options);
    return { engine: name, ...program } as unknown as CompiledProgram<S, I, O>;
  }
  if (precision === 'bf16') {
    const { openvino } = compiled;
    const how = openvino ? `that is ${openvino.install}` : 'which runs in Node';
    throw new Error(`The engine '${engine}' has no precision 'bf16' here: it needs 'openvino', ${how}`);
  }
  registerEinsumGradient();
  const opByOp = step as unknown as Step<Tree<tf.Tensor>, Tree<tf.Tensor>, Tree<tf.Tensor>>;
  const program = eager[engine]
    ? await eager[engine].program(opByOp, state, inputs)
    : await tfjsProgram(opByOp, state, inputs, options);
  return { engine: engine === 'auto' ? 'tfjs' : engine, ...program } as unknown as CompiledProgram<S, I, O>;
}

/** Those of the engines that can be used here, fastest first, and TensorFlow.js itself. */
export async function enginesAmong({ compiled, eager }: Engines): Promise<EngineName[]> {
  const names: string[] = [];
  for (const [name, { find }] of Object.entries(compiled)) if (await find({})) names.push(name);
  for (const [name, { find }] of Object.entries(eager)) if (await find()) names.push(name);
  return [...names, 'tfjs'] as EngineName[];
}
