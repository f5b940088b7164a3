import type { HostTensor } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import type { CompileOptions } from './compileOptions';
import type { CompiledEngine } from './engines/compiledEngine';
import { tfjsProgram } from './engines/tfjsEngine';
import { optimize } from './passes/optimize';
import { toBfloat16 } from './passes/precision';
import { trace } from './record/trace';
import type { Tree } from './tree';
import type { EngineName, Program, Step, TensorSpec, TreeOf } from './types';

/** Engines by name, fastest first. */
type Engines = Readonly<Record<string, CompiledEngine>>;

/** `compile` with these engines, and TensorFlow.js itself. */
export async function compileWith<
  S extends Tree<tf.Tensor>,
  I extends Tree<tf.Tensor>,
  O extends Tree<tf.Tensor>,
>(
  engines: Engines,
  step: Step<S, I, O>,
  tensors: { readonly state: TreeOf<S, HostTensor>; readonly inputs: TreeOf<I, TensorSpec> },
  options: CompileOptions,
): Promise<Program<S, I, O>> {
  const { engine = 'auto', precision = 'fp32' } = options;
  const names = ['auto', ...Object.keys(engines), 'tfjs'];
  if (!names.includes(engine)) {
    throw new Error(`There is no engine '${engine}' here. Engines: ${names.join(', ')}.`);
  }
  if (precision !== 'fp32' && precision !== 'bf16') {
    throw new Error(`There is no precision '${precision}'. Precisions: fp32, bf16.`);
  }
  const state = tensors.state as Tree<HostTensor>;
  for (const [name, { find, install }] of Object.entries(engines)) {
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
    const graph = optimize(traced.graph);
    const lowered = precision === 'bf16' ? optimize(toBfloat16(graph)) : graph;
    const program = await make({ ...traced, graph: lowered }, state, options);
    return { engine: name, ...program } as unknown as Program<S, I, O>;
  }
  if (precision === 'bf16') {
    const { openvino } = engines;
    const how = openvino ? `that is ${openvino.install}` : 'which runs in Node';
    throw new Error(`The engine '${engine}' has no precision 'bf16' here: it needs 'openvino', ${how}`);
  }
  const eager = step as unknown as Step<Tree<tf.Tensor>, Tree<tf.Tensor>, Tree<tf.Tensor>>;
  const program = await tfjsProgram(eager, state, tensors.inputs as Tree<TensorSpec>, options);
  return { engine: 'tfjs', ...program } as unknown as Program<S, I, O>;
}

/** Those of the engines that can be used here, fastest first, and TensorFlow.js itself. */
export async function enginesAmong(engines: Engines): Promise<EngineName[]> {
  const names: EngineName[] = [];
  for (const [name, { find }] of Object.entries(engines)) {
    if (await find({})) names.push(name as EngineName);
  }
  return [...names, 'tfjs'];
}
