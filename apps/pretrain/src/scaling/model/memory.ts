/** What one rank keeps of every parameter, float32 numbers. */
const ALONE = { parameters: 1, moments: 2 };
/**
 * With others, or with several micro-batches: two programs, of gradients and of the update, each with parameters; those that
 * leave the update; sums of gradients, zeros to begin them with, and what is sent.
 */
const TOGETHER = { parameters: 3, moments: 2, gradients: 2, exchange: 1 };

/** The same of each device of the engine xla, whose programs have one state; what is sent is the host's. */
const ON_DEVICES = { parameters: 1, moments: 2, gradients: 1, exchange: 1 };

const BYTES = 4;

export interface Memory {
  readonly parameters: number;
  readonly moments: number;
  /** Sums over micro-batches. */
  readonly gradients: number;
  /** Buffers of all-reduce. */
  readonly exchange: number;
  /** The activations of a micro-batch. */
  readonly activations: number;
  readonly total: number;
}

/**
 * Bytes of one rank, counted. Not in it: the process itself, the engine's code, the tokenizer, and images that are loaded
 * ahead.
 *
 * @param parameters numbers of the model
 * @param activations bytes of intermediate results of what is computed at once: a micro-batch, or a device's share of it
 */
export function memoryOf(
  parameters: number,
  activations: number,
  isSplit: boolean,
  onDevices = false,
): Memory {
  const split = onDevices ? ON_DEVICES : TOGETHER;
  const kept = { gradients: 0, exchange: 0, ...(isSplit ? split : ALONE) };
  const bytes = {
    parameters: kept.parameters * parameters * BYTES,
    moments: kept.moments * parameters * BYTES,
    gradients: kept.gradients * parameters * BYTES,
    exchange: kept.exchange * parameters * BYTES,
    activations,
  };
  return { ...bytes, total: Object.values(bytes).reduce((sum, own) => sum + own, 0) };
}
