import type { HostTensor } from '@beit/weights';
import type * as tf from '@tensorflow/tfjs';
import { findOnnxruntime, type OnnxruntimeOptions, onnxruntimeProgram } from './engines/onnxruntimeEngine';
import { findOpenvinoEngine, type OpenvinoOptions, openvinoProgram } from './engines/openvinoEngine';
import { type TfjsOptions, tfjsProgram } from './engines/tfjsEngine';
import { optimize } from './passes/optimize';
import { toBfloat16 } from './passes/precision';
import { type Trace, trace } from './record/trace';
import type { Tree } from './tree';
import type { EngineName, Precision, Program, Step, TensorSpec, TreeOf } from './types';

export interface CompileOptions extends OpenvinoOptions, OnnxruntimeOptions, TfjsOptions {
  /** `auto` (the default) takes the fastest engine that is installed; `Program.engine` says which. */
  readonly engine?: EngineName | 'auto';
  /**
   * `fp32` (the default), or `bf16`: the operands of matrix products and convolutions in bfloat16, all else in float32.
   * Only `openvino` computes in bf16.
   */
  readonly precision?: Precision;
}

type HostProgram = Omit<Program<unknown, unknown, unknown>, 'engine'>;
/** Makes a program of a traced step. */
type MakeProgram = (trace: Trace, state: Tree<HostTensor>, options: CompileOptions) => Promise<HostProgram>;

/** The engines that run traced programs, fastest first: where one is installed, what makes its programs. */
const COMPILED: Readonly<
  Record<string, { find(options: CompileOptions): Promise<MakeProgram | undefined>; install: string }>
> = {
  openvino: {
    find: async (options) => {
      const runtime = await findOpenvinoEngine(options);
      return runtime && ((traced, state) => openvinoProgram(runtime, traced, state, options) as never);
    },
    install: 'OpenVINO and the package koffi: npm install koffi, then npx beit-engine install openvino',
  },
  onnxruntime: {
    find: async () => {
      const runtime = await findOnnxruntime();
      return (
        runtime && ((traced, state, options) => onnxruntimeProgram(runtime, traced, state, options) as never)
      );
    },
    install: 'the packages onnxruntime-node and koffi: npm install onnxruntime-node koffi',
  },
};

/**
 * Makes a program of a step. With a compiled engine the step is called once, now, on tensors without numbers: it
 * must be a pure function of its arguments, made of TensorFlow.js ops; gradients (`tf.grads`, `tf.valueAndGrads`,
 * `tf.customGrad`) are part of it.
 *
 * @param step `(state, inputs) => { state, outputs }`, trees of named tensors
 * @param tensors the state to begin with, and dtype and shape of the inputs
 * @throws when the step can't be traced, the engine is not installed, or it does not have the precision
 */
export async function compile<
  S extends Tree<tf.Tensor>,
  I extends Tree<tf.Tensor>,
  O extends Tree<tf.Tensor>,
>(
  step: Step<S, I, O>,
  tensors: { readonly state: TreeOf<S, HostTensor>; readonly inputs: TreeOf<I, TensorSpec> },
  options: CompileOptions = {},
): Promise<Program<S, I, O>> {
  const { engine = 'auto', precision = 'fp32' } = options;
  if (engine !== 'auto' && engine !== 'tfjs' && !(engine in COMPILED)) {
    throw new Error(
      `There is no engine '${engine}'. Engines: auto, ${Object.keys(COMPILED).join(', ')}, tfjs.`,
    );
  }
  if (precision !== 'fp32' && precision !== 'bf16') {
    throw new Error(`There is no precision '${precision}'. Precisions: fp32, bf16.`);
  }
  const state = tensors.state as Tree<HostTensor>;
  for (const [name, { find, install }] of Object.entries(COMPILED)) {
    if (engine !== 'auto' && engine !== name) continue;
    if (precision === 'bf16' && name !== 'openvino') continue;
    const make = await find(options);
    if (!make) {
      if (engine === name) throw new Error(`The engine '${name}' needs ${install}`);
      continue;
    }
    const traced = trace(step, tensors.state, tensors.inputs);
    const graph = optimize(traced.graph);
    const lowered = precision === 'bf16' ? optimize(toBfloat16(graph)) : graph;
    const program = await make({ ...traced, graph: lowered }, state, options);
    return { engine: name, ...program } as unknown as Program<S, I, O>;
  }
  if (precision === 'bf16') {
    throw new Error(
      `The engine '${engine}' has no precision 'bf16' here: it needs 'openvino', that is ${COMPILED.openvino!.install}`,
    );
  }
  const eager = step as unknown as Step<Tree<tf.Tensor>, Tree<tf.Tensor>, Tree<tf.Tensor>>;
  const program = await tfjsProgram(eager, state, tensors.inputs as Tree<TensorSpec>, options);
  return { engine: 'tfjs', ...program } as unknown as Program<S, I, O>;
}

/** The engines that can be used here, fastest first. */
export async function availableEngines(): Promise<EngineName[]> {
  const names: EngineName[] = [];
  for (const [name, { find }] of Object.entries(COMPILED)) {
    if (await find({})) names.push(name as EngineName);
  }
  return [...names, 'tfjs'];
}
