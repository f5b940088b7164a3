import type { ProgramMemory } from '@beit/compile';
import { adamW } from '@beit/optim';
import { type TrainingProgramOptions, trainingProgram } from '@beit/stage';
import type { HostTensor, NamedTensors, TreeOf } from '@beit/tensors';
import type { EngineOptions } from './options/engineOptions';

/** At most so many, */
const TIMED_STEPS = 2;
/** and no other one after so long. */
const LONG_MS = 5000;

export const millions = (n: number): string => `${(n / 1e6).toFixed(2)} M`;
export const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

export function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(1)} min`;
  return seconds < 172_800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(0)} days`;
}

/** What a training program takes and how long, as it was measured here. */
export interface TimedProgram {
  readonly seconds: number;
  /** With its precision. */
  readonly engine: string;
  /** On each device; of engines that tell. */
  readonly memory?: ProgramMemory;
}

/**
 * Seconds of one micro-batch, forward, backward and update; the first run warms up.
 *
 * @param shardOptimizer whether each of several devices keeps a part of the optimizer's state
 */
export async function timeMicroBatch<B>(
  loss: TrainingProgramOptions<B>['loss'],
  params: NamedTensors,
  example: TreeOf<B, HostTensor>,
  { engine, shardOptimizer }: { readonly engine: EngineOptions; readonly shardOptimizer: boolean },
): Promise<TimedProgram> {
  const optimizer = adamW();
  const program = await trainingProgram({
    loss,
    optimizer,
    params,
    example,
    microBatches: 1,
    shardOptimizer,
    engine,
  });
  async function* microBatches() {
    yield { batch: example, weight: 1 };
  }
  const step = (i: number) =>
    program.run({ microBatches: microBatches(), scalars: optimizer.scalars(i, 1e-5) });
  await step(0);
  const start = performance.now();
  let [steps, milliseconds] = [0, 0];
  while (steps < TIMED_STEPS && milliseconds < LONG_MS) {
    await step(++steps);
    milliseconds = performance.now() - start;
  }
  const seconds = milliseconds / 1000 / steps;
  await program.dispose();
  return {
    seconds,
    engine: `${program.engine}, ${engine.precision}`,
    ...(program.memory && { memory: program.memory }),
  };
}

/**
 * Lines about the memory that training takes.
 *
 * @param state bytes of all of it
 */
export function memoryLines(state: number, { memory }: Pick<TimedProgram, 'memory'>): string[] {
  if (!memory) {
    // Twice over for the engine's two buffers.
    return [`training state    ${gibibytes(2 * state)}, and ${gibibytes(state)} a checkpoint`];
  }
  // The new state is written over the old one: what is written so is the state.
  return [
    `device memory     ${gibibytes(memory.peak)} at most, of which ${gibibytes(memory.aliased)} state`,
    `checkpoint        ${gibibytes(state)}`,
  ];
}
