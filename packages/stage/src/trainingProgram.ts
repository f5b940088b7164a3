import {
  type CompiledPrograms,
  type CompileOptions,
  compile,
  compilePrograms,
  type ProgramMemory,
  type Steps,
} from '@beit/compile';
import {
  asTreeLoss,
  type GradientState,
  gradientStep,
  isRunningStatistic,
  type LossAndOutputs,
  type LossFunction,
  type Optimizer,
  type OptimizerScalars,
  partialUpdateStep,
  type TrainState,
  trainState,
  trainStep,
  updateStep,
  withEma,
  zeroGradients,
} from '@beit/optim';
import type { HostTensor, NamedTensors, Step, Tree, TreeOf } from '@beit/tensors';
import {
  accumulatedProgram,
  type Job,
  type MicroBatch,
  partition,
  shardOf,
  type TrainingProgram,
} from '@beit/trainer';
import type * as tf from '@tensorflow/tfjs';

/** The inputs of a step whose loss takes batches of type `B`. */
export interface TrainingInputs<B> {
  /** Asked for one by one, so that a batch need not be in memory as a whole. */
  readonly microBatches: AsyncIterable<MicroBatch<TreeOf<B, HostTensor>>>;
  /** The optimizer's. */
  readonly scalars: OptimizerScalars<HostTensor>;
}

/** A training program that an engine runs. */
export interface EngineProgram<B> extends TrainingProgram<TrainingInputs<B>> {
  readonly engine: string;
  /** What it takes of each device; of engines that tell. */
  readonly memory?: ProgramMemory;
  dispose(): Promise<void>;
}

export interface TrainingProgramOptions<B> {
  readonly loss: LossFunction<B, LossAndOutputs>;
  readonly optimizer: Optimizer;
  readonly params: NamedTensors;
  /** One micro-batch, for its dtypes and shapes. */
  readonly example: TreeOf<B, HostTensor>;
  /** Micro-batches in a step; with one, and one process, gradients and update are one program. */
  readonly microBatches: number;
  /** The processes that train together. Default: this one. */
  readonly job?: Job | undefined;
  /** Whether each process, and each of its devices, keeps a part of the optimizer's state only. Default false. */
  readonly shardOptimizer?: boolean | undefined;
  /** The decay of the moving average of the parameters, `ema` in the state; left out: none. */
  readonly emaDecay?: number | undefined;
  readonly engine?: CompileOptions | undefined;
}

/**
 * A loss and an optimizer as one program, whatever the number of micro-batches and processes. State: `{ params, m, v }`,
 * and `ema`.
 */
export async function trainingProgram<B>(options: TrainingProgramOptions<B>): Promise<EngineProgram<B>> {
  const { optimizer, params, microBatches, emaDecay, shardOptimizer } = options;
  const engine = shardOptimizer ? { ...options.engine, shardedState: SHARDED } : options.engine;
  const loss = asTreeLoss(options.loss);
  const batch = asTree<B>(options.example);
  const job = options.job && options.job.size > 1 ? options.job : undefined;
  const scalars = optimizer.scalarSpecs;
  const stateOf = (params: NamedTensors) => ({
    ...trainState(params, optimizer),
    ...(emaDecay !== undefined && { ema: params }),
  });
  const averaged = <S extends TrainState, I, O>(step: Step<S, I, O>) =>
    emaDecay === undefined ? step : withEma(step, emaDecay);
  if (microBatches === 1 && !job) {
    const program = await compile(
      averaged(trainStep<TreeBatch, LossAndOutputs>(loss, optimizer)),
      { state: stateOf(params), inputs: { batch, scalars } },
      engine,
    );
    type Given = Parameters<typeof program.run>[0];
    const sent = new WeakMap<TrainingInputs<B>, Promise<Given>>();
    let last: Promise<unknown> = Promise.resolve();
    /** One step's after the other's: a batch that was loaded is there until the next one is asked for. */
    function send({ microBatches, scalars }: TrainingInputs<B>): Promise<Given> {
      const given = last.then(async () => {
        const tensors = { batch: asTree<B>(await firstBatch(microBatches)), scalars };
        program.send(tensors);
        return tensors;
      });
      last = given.catch(() => {}); // It counts when the step is run.
      return given;
    }
    return {
      ...ofEngine(program),
      async run(inputs) {
        const given = sent.get(inputs) ?? send(inputs);
        sent.delete(inputs);
        return program.run(await given);
      },
      send: (inputs) => void sent.set(inputs, send(inputs)),
      readState: () => program.readState(),
      writeState: (state) => program.writeState(state as TreeOf<TrainState, HostTensor>),
    };
  }
  const accumulate = gradientStep<TreeBatch, LossAndOutputs, AccumulatedState>(loss, optimizer);
  const accumulated = { batch, weight: SCALAR, isFirst: SCALAR };
  const gradients = zeroGradients(params, optimizer);
  if (job && shardOptimizer) {
    const parts = partition(gradients, job.size);
    const own = shardOf(params, parts, job.rank);
    const update = ofPart(averaged(partialUpdateStep(optimizer)), new Set(Object.keys(own)));
    const programs = await compilePrograms(
      { accumulate, update },
      {
        state: { ...stateOf(own), params, gradients },
        inputs: {
          accumulate: accumulated,
          update: { gradients: shardOf(gradients, parts, job.rank), scalars, gradNorm: SCALAR },
        },
      },
      engine,
    );
    const shards = { parts, isClipped: (name: string) => !isRunningStatistic(name) };
    return { ...ofEngine(programs), ...(await accumulatedProgram({ programs, job, shards })) };
  }
  const update = averaged(updateStep<AccumulatedState>(optimizer));
  const programs = await compilePrograms(
    { accumulate, update },
    {
      state: { ...stateOf(params), gradients },
      inputs: { accumulate: accumulated, update: { scalars, scale: SCALAR } },
    },
    engine,
  );
  return { ...ofEngine(programs), ...(await accumulatedProgram({ programs, job })) };
}

type AccumulatedState = TrainState & GradientState;
type TreeBatch = Tree<tf.Tensor>;
/** Groups of the state of which several devices keep parts: all but what the gradients are computed from. */
const SHARDED = ['m', 'v', 'gradients', 'ema'];
const SCALAR = { dtype: 'float32', shape: [] } as const;

const asTree = <B>(batch: TreeOf<B, HostTensor>) => batch as Tree<HostTensor>;

/** A step for some of the parameters as one that gets all of them; the others, and the sums of gradients, stay as they are. */
const ofPart =
  <I, O>(step: Step<TrainState, I, O>, own: ReadonlySet<string>): Step<AccumulatedState, I, O> =>
  ({ gradients, params, ...rest }, inputs) => {
    const part = Object.fromEntries(Object.entries(params).filter(([name]) => own.has(name)));
    const { state, outputs } = step({ ...rest, params: part }, inputs);
    return { state: { ...state, params: { ...params, ...state.params }, gradients }, outputs };
  };

/** What an engine says of its programs, and how it frees them. */
const ofEngine = ({
  engine,
  memory,
  dispose,
}: Pick<CompiledPrograms<Steps>, 'engine' | 'memory' | 'dispose'>) => ({
  engine,
  ...(memory && { memory }),
  dispose,
});

/** The first micro-batch, which may be the only one. */
export async function firstBatch<B>(microBatches: AsyncIterable<MicroBatch<B>>): Promise<B> {
  for await (const { batch } of microBatches) return batch;
  throw new RangeError('A step needs a batch; got none.');
}
