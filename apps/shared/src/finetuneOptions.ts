import { resolve } from 'node:path';
import {
  ENGINE_ARGUMENTS,
  engineOptions,
  integer,
  microBatches,
  number,
  typedIn,
  UsageError,
} from './commandLine';
import type { EngineOptions } from './engineOptions';
import { dataLocation } from './imageData';

/** The options of every app that fine-tunes, for `parseArgs`. */
export const FINETUNE_ARGUMENTS = {
  recipe: { type: 'string' },
  data: { type: 'string' },
  checkpoint: { type: 'string' },
  scratch: { type: 'boolean' },
  model: { type: 'string' },
  out: { type: 'string' },
  resume: { type: 'boolean' },
  'batch-size': { type: 'string' },
  'learning-rate': { type: 'string' },
  'layer-decay': { type: 'string' },
  seed: { type: 'string' },
  ...ENGINE_ARGUMENTS,
  'shard-optimizer': { type: 'boolean' },
  workers: { type: 'string' },
  top: { type: 'string' },
  'dry-run': { type: 'boolean' },
  quiet: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** What `parseArgs` makes of them. */
export type FinetuneValues = {
  readonly [K in keyof typeof FINETUNE_ARGUMENTS]?: (typeof FINETUNE_ARGUMENTS)[K]['type'] extends 'boolean'
    ? boolean
    : string;
};

export interface FinetuneOptions {
  /** A folder, or where shards are. */
  readonly data?: string;
  /** Absolute paths, as all that follow. */
  readonly checkpoint?: string;
  readonly scratch: boolean;
  readonly model?: string;
  /** What stands after the command. */
  readonly files: readonly string[];
  /** Classes shown of a prediction. */
  readonly top: number;
  readonly engine: EngineOptions;
  /** Whether each process of a job keeps a part of the optimizer's state. */
  readonly shardOptimizer: boolean;
  readonly workers: number;
  readonly dryRun: boolean;
  readonly quiet: boolean;
}

/** The options that do not change the recipe, resolved. @throws UsageError that names the value and what was expected */
export function finetuneOptions(
  values: FinetuneValues,
  files: readonly string[],
  { start }: { readonly start: 'checkpoint' | 'scratch' },
): FinetuneOptions {
  if (values.scratch && values.checkpoint !== undefined)
    throw new UsageError(
      `--scratch begins with nothing and --checkpoint with '${values.checkpoint}'; give one.`,
    );
  const path = (value: string | undefined) => (value === undefined ? undefined : resolve(typedIn(), value));
  return {
    data: values.data === undefined ? undefined : dataLocation(values.data),
    checkpoint: path(values.checkpoint),
    scratch: values.scratch ?? start === 'scratch',
    model: path(values.model),
    files: files.map((file) => resolve(typedIn(), file)),
    top: values.top === undefined ? 5 : integer(values.top, 'top', 1),
    engine: engineOptions(values),
    shardOptimizer: values['shard-optimizer'] ?? false,
    workers: values.workers === undefined ? 1 : integer(values.workers, 'workers', 0),
    dryRun: values['dry-run'] ?? false,
    quiet: values.quiet ?? false,
  };
}

/** What the command line says instead of a recipe. @throws UsageError that names the value and what was expected */
export const finetuneOverrides = (
  values: FinetuneValues,
  { microBatchSize, data }: { readonly microBatchSize: number; readonly data: { readonly kind: string } },
) => ({
  ...(values.data !== undefined && data.kind !== 'folder' && { data: { kind: 'folder' } as const }),
  ...(values['batch-size'] !== undefined &&
    microBatches(integer(values['batch-size'], 'batch-size', 1), microBatchSize)),
  ...(values['learning-rate'] !== undefined && {
    learningRate: number(values['learning-rate'], 'learning-rate', 0),
  }),
  ...(values['layer-decay'] !== undefined && {
    layerDecay: number(values['layer-decay'], 'layer-decay', 0.01, 1),
  }),
  ...(values.seed !== undefined && { seed: integer(values.seed, 'seed', 0) }),
});
