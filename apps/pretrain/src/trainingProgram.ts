import { compile, type Tree } from '@beit/compile';
import {
  gradientState,
  gradientStep,
  type LossFunction,
  type Optimizer,
  trainState,
  trainStep,
  updateStep,
} from '@beit/optim';
import { accumulatedProgram, type Program } from '@beit/trainer';
import type { HostTensor, NamedTensors } from '@beit/weights';
import type * as tf from '@tensorflow/tfjs';

export interface TrainingInputs {
  readonly microBatches: readonly HostTree[];
  readonly weights: readonly number[];
  readonly scalars: { readonly [name: string]: HostTensor };
}
export type HostTree = { readonly [name: string]: HostTensor | HostTree };

export interface TrainingProgram extends Program<TrainingInputs> {
  readonly engine: string;
  dispose(): Promise<void>;
}

// Programs are typed by their step; here steps differ only in names, so they are handled as trees.
type AnyLoss = LossFunction<
  Tree<tf.Tensor> & { readonly [name: string]: Tree<tf.Tensor> },
  { loss: tf.Scalar } & Record<string, tf.Tensor>
>;
type Leaves = { readonly [name: string]: Tree<HostTensor> };

export interface TrainingProgramOptions {
  readonly loss: AnyLoss;
  readonly optimizer: Optimizer;
  readonly params: NamedTensors;
  /** One micro-batch, for its dtypes and shapes. */
  readonly example: HostTree;
  /** Micro-batches in a step; with one, gradients and update are one program. */
  readonly microBatches: number;
  readonly engine: 'auto' | 'onnxruntime' | 'tfjs';
}

/** A loss and an optimizer as one program, whatever the number of micro-batches. State: `{ params, m, v }`. */
export async function trainingProgram(options: TrainingProgramOptions): Promise<TrainingProgram> {
  const { loss, optimizer, params, example, microBatches, engine } = options;
  const specs = example as Leaves as never;
  if (microBatches === 1) {
    const program = await compile(
      trainStep(loss, optimizer) as never,
      {
        state: trainState(params, optimizer) as never,
        inputs: { batch: specs, scalars: optimizer.scalarSpecs } as never,
      },
      { engine },
    );
    return {
      engine: program.engine,
      run: ({ microBatches: [batch], scalars }) => program.run({ batch, scalars } as never),
      readState: () => program.readState() as never,
      writeState: (state) => program.writeState(state as never),
      dispose: () => program.dispose(),
    };
  }
  const scalar = { dtype: 'float32', shape: [] } as const;
  const gradients = gradientState(params, optimizer);
  const gradientProgram = await compile(
    gradientStep(loss, optimizer) as never,
    { state: gradients as never, inputs: { batch: specs, weight: scalar } as never },
    { engine },
  );
  const updateProgram = await compile(
    updateStep(optimizer) as never,
    {
      state: trainState(params, optimizer) as never,
      inputs: { gradients: gradients.gradients, scalars: optimizer.scalarSpecs } as never,
    },
    { engine },
  );
  const program = await accumulatedProgram<HostTree>({
    gradientProgram: gradientProgram as never,
    updateProgram: updateProgram as never,
  });
  return {
    ...program,
    engine: gradientProgram.engine,
    run: (inputs) => program.run(inputs as never),
    async dispose() {
      await gradientProgram.dispose();
      await updateProgram.dispose();
    },
  };
}

/** The arrays of a batch cut into `count` micro-batches along the first axis (`axis` of those listed by name). */
export function splitBatch(tree: HostTree, count: number): HostTree[] {
  if (count === 1) return [tree];
  return Array.from({ length: count }, (_, part) => takePart(tree, part, count));
}

function takePart(tree: HostTree, part: number, count: number): HostTree {
  return Object.fromEntries(
    Object.entries(tree).map(([name, node]) => {
      if (!isTensor(node)) return [name, takePart(node, part, count)];
      const size = node.data.length / count;
      const [first, ...rest] = node.shape as [number, ...number[]];
      return [
        name,
        { ...node, shape: [first / count, ...rest], data: node.data.slice(part * size, (part + 1) * size) },
      ];
    }),
  );
}

const isTensor = (node: HostTensor | HostTree): node is HostTensor => Array.isArray(node.shape);
