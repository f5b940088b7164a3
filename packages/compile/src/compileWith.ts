import type { Step, TensorSpec, Tree, TreeOf } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { chooseAmong } from './chooseEngine';
import type { CompileOptions } from './compileOptions';
import { checkedLeaves } from './engines/checkedLeaves';
import type { EagerStep, Engines, HostPrograms } from './engines/engine';
import { tfjsPrograms } from './engines/tfjs/tfjsPrograms';
import { optimizedTrace } from './optimizedTrace';
import { registerEinsumGradient } from './record/einsum';
import { type Trace, trace } from './record/trace';
import { specTree } from './specTree';
import type { CompiledProgram, CompiledPrograms, EngineName, GivenTensor, Steps, StepTensors } from './types';

/** `compile` with these engines, and TensorFlow.js itself. */
export async function compileWith<S, I, O>(
  engines: Engines,
  step: Step<S, I, O>,
  tensors: { readonly state: TreeOf<S, GivenTensor>; readonly inputs: TreeOf<I, TensorSpec | GivenTensor> },
  options: CompileOptions,
): Promise<CompiledProgram<S, I, O>> {
  const program = {
    step: asTreeStep(step),
    inputs: tensors.inputs as Tree<TensorSpec | GivenTensor>,
  };
  const { engine, programs } = await programsOf(
    engines,
    new Map([['step', program]]),
    tensors.state as Tree<GivenTensor>,
    options,
  );
  const untyped: CompiledProgram<Tree<tf.Tensor>, Tree<tf.Tensor>, Tree<tf.Tensor>> = {
    engine,
    ...(programs.memory && { memory: programs.memory }),
    run: (inputs) => programs.run('step', inputs),
    send: (inputs) => programs.send('step', inputs),
    readState: () => programs.readState(),
    writeState: (state) => programs.writeState(state, 'all'),
    dispose: () => programs.dispose(),
  };
  return untyped as unknown as CompiledProgram<S, I, O>;
}

/** `compilePrograms` with these engines, and TensorFlow.js itself. */
export async function compileProgramsWith<P extends Steps>(
  engines: Engines,
  steps: P,
  tensors: StepTensors<P>,
  options: CompileOptions,
): Promise<CompiledPrograms<P>> {
  const inputs = tensors.inputs as { readonly [name: string]: Tree<TensorSpec | GivenTensor> };
  const given = Object.entries(steps).map(([name, step]) => {
    const specs = inputs[name];
    if (specs === undefined)
      throw new Error(`The step '${name}' has no inputs; expected their specs, {} for none.`);
    return [name, { step: asTreeStep(step), inputs: specs }] as const;
  });
  const { engine, programs } = await programsOf(
    engines,
    new Map(given),
    tensors.state as Tree<GivenTensor>,
    options,
  );
  const untyped = {
    engine,
    ...(programs.memory && { memory: programs.memory }),
    run: Object.fromEntries(
      given.map(([name]) => [name, (inputs: Tree<GivenTensor>) => programs.run(name, inputs)]),
    ),
    groups: Object.keys(tensors.state),
    readState: (groups?: readonly string[]) => programs.readState(groups),
    writeState: (state: Tree<GivenTensor>) => programs.writeState(state, 'groups'),
    dispose: () => programs.dispose(),
  };
  return untyped as unknown as CompiledPrograms<P>;
}

type TreeStep = Step<Tree<tf.Tensor>, Tree<tf.Tensor>, Tree<tf.Tensor>>;

/** Types know the names of a step's tensors; engines handle all steps alike, and check what they are given and get. */
const asTreeStep = (step: Steps[string]) => step as unknown as TreeStep;

interface GivenStep {
  readonly step: TreeStep;
  readonly inputs: Tree<TensorSpec | GivenTensor>;
}

async function programsOf(
  engines: Engines,
  given: ReadonlyMap<string, GivenStep>,
  state: Tree<GivenTensor>,
  options: CompileOptions,
): Promise<{ engine: EngineName; programs: HostPrograms }> {
  // Before anything is looked for or traced, and by every engine.
  const stateTree = specTree(state, 'state');
  checkedLeaves(state, stateTree.specs, 'state');
  const steps = new Map<string, EagerStep>();
  for (const [name, { step, inputs }] of given) steps.set(name, { step, inputs: specTree(inputs, 'input') });
  const { engine, make } = await chooseAmong(engines, options);
  if (make) {
    // A backend that starts asynchronously may be registered: tracing needs one to go back to.
    await tf.ready();
    const { bfloat16 } = engines.compiled[engine] ?? {};
    const traces = new Map<string, Trace>();
    for (const [name, { step, inputs }] of given) {
      traces.set(name, optimizedTrace(trace(step, state, inputs), options.precision ?? 'fp32', bfloat16));
    }
    return { engine, programs: await make(traces, stateTree, state, options) };
  }
  registerEinsumGradient();
  const programs = await (engines.eager[engine]?.programs(steps, stateTree, state) ??
    tfjsPrograms(steps, stateTree, state, options));
  return { engine, programs };
}

/** Those of the engines that can be used here, fastest first, and TensorFlow.js itself. */
export async function enginesAmong({ compiled, eager }: Engines): Promise<EngineName[]> {
  const names: string[] = [];
  for (const [name, { find }] of Object.entries(compiled))
    if (await find({ engine: name as EngineName }).then((found) => found && 'make' in found))
      names.push(name);
  for (const [name, { find }] of Object.entries(eager)) if (await find()) names.push(name);
  return [...names, 'tfjs'] as EngineName[];
}
