import { join } from 'node:path';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { writeFileAtomic } from '@beit/weights';
import type { Json } from './config';

/** What is known of the step at which training went wrong. */
export interface PostMortem {
  readonly name: string;
  /** The step that failed, counted from 1. */
  readonly step: number;
  /** Scalar outputs, or tensors of the state, that hold NaN or an infinity. */
  readonly nonFinite: readonly string[];
  /** All scalar outputs of this step, and the schedules' values. */
  readonly values: Readonly<Record<string, number>>;
  /** Scalars of the steps before, oldest first. */
  readonly history: readonly Readonly<Record<string, number>>[];
  /** What the batch was made of, where the caller can tell. */
  readonly batch: readonly string[];
  /** The newest checkpoint, from before this step. */
  readonly checkpoint: string | null;
  readonly config: Json;
}

/** Training stopped because the loss or the gradient norm is not a number any more. */
export class NonFiniteError extends Error {
  override readonly name = 'NonFiniteError';
  constructor(
    message: string,
    readonly postMortem: PostMortem,
  ) {
    super(message);
  }
}

/** Outputs that must stay finite: after a step where they are not, the parameters cannot be trusted. */
const WATCHED = ['loss', 'gradNorm'];

/** Names of the scalars that are not finite; empty unless a watched one is among them. */
export function nonFiniteScalars(scalars: Readonly<Record<string, number>>): string[] {
  const names = Object.keys(scalars).filter((name) => !Number.isFinite(scalars[name]));
  return names.some((name) => WATCHED.includes(name)) ? names : [];
}

/** Names of the tensors that hold NaN or an infinity. */
export function nonFiniteTensors(tensors: NamedTensors): string[] {
  const finite = (data: HostTensor['data']) => {
    // 0 * x is 0 for finite numbers and NaN for all others, and so is their sum: one pass without branches.
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += 0 * data[i]!;
    return sum === 0;
  };
  return Object.keys(tensors).filter(
    (name) => tensors[name]!.dtype === 'float32' && !finite(tensors[name]!.data),
  );
}

/** Writes `post-mortem-step-00001234.json` and gives the error to throw. */
export async function reportNonFinite(runDir: string, postMortem: PostMortem): Promise<NonFiniteError> {
  const path = join(runDir, `post-mortem-step-${String(postMortem.step).padStart(8, '0')}.json`);
  // JSON has no NaN; text keeps it readable.
  const finite = (_: string, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  await writeFileAtomic(path, [new TextEncoder().encode(`${JSON.stringify(postMortem, finite, 2)}\n`)]);
  const { name, step, nonFinite, values, history, batch, checkpoint } = postMortem;
  const norms = history.slice(-5).map(({ gradNorm }) => gradNorm ?? '?');
  return new NonFiniteError(
    `${name}: step ${step} gave ${listed(nonFinite.map((key) => `${key} ${values[key] ?? 'not finite'}`))}. ` +
      `Gradient norms before: ${norms.join(', ') || 'none'}. ` +
      (batch.length > 0 ? `The batch: ${listed(batch)}. ` : '') +
      `Details are in ${path}. ` +
      `${checkpoint === null ? 'There is no checkpoint yet' : `The last checkpoint, ${checkpoint}, is from before and untouched`}. ` +
      'Try a lower learning rate, a longer warm-up or stronger clipping, and look at the batch.',
    postMortem,
  );
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, 8).join(', ')}${names.length > 8 ? `, and ${names.length - 8} more` : ''}`;
}
