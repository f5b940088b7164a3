import { UsageError } from '../commandLine';
import { microBatches } from '../microBatches';
import { modelLocation } from '../onHub';
import { ENGINE_OPTIONS, type EngineOptions, engineOptions } from './engineOptions';
import { absolutePath, imageSize, number, whole } from './optionReaders';
import { flag, type OptionValues, option } from './optionTable';
import { JOB_OPTIONS } from './trainOptions';

/** What training begins with, and what is used of it afterwards; each app says what its `checkpoint` may be. */
export const START_OPTIONS = {
  scratch: flag('begin with random parameters'),
  model: option('PATH', 'a run of this app, its model.safetensors, or a name on the Hub', modelLocation),
  heads: option('N', 'attention heads of --checkpoint or --model, where the file does not tell', whole(1)),
};

/** What replaces parts of a recipe. */
export const OVERRIDE_OPTIONS = {
  'batch-size': option('N', undefined, whole(1)),
  'learning-rate': option('X', undefined, number(0)),
  'layer-decay': option('X', undefined, number(0.01, 1)),
  seed: option('N', "instead of the recipe's", whole(0)),
  'image-size': option(
    'N|H,W',
    'likewise: pixels, the side of a square or height,width; positions of the checkpoint are interpolated',
    imageSize,
  ),
};

/** How every app that fine-tunes is run. */
export const FINETUNE_OPTIONS = {
  ...ENGINE_OPTIONS,
  ...JOB_OPTIONS,
  top: option('N', 'classes shown of a prediction', whole(1), 5),
  'dry-run': flag(
    'show what would be done, with the learning rate of every layer and an estimate of the time',
  ),
  quiet: flag('no progress'),
};

type Given = Readonly<Partial<Record<'data' | 'checkpoint', string>>>;

export interface FinetuneOptions {
  /** A folder, or where shards are. */
  readonly data?: string;
  /** An absolute path or, behind `hf:`, a name on the Hub, as `model`. */
  readonly checkpoint?: string;
  readonly scratch: boolean;
  readonly model?: string;
  readonly heads?: number;
  /** What stands after the command. */
  readonly files: readonly string[];
  /** Classes shown of a prediction. */
  readonly top: number;
  readonly engine: EngineOptions;
  /** Whether each process of a job keeps a part of the optimizer's state. */
  readonly shardOptimizer: boolean;
  readonly workers: number;
  /** Minutes between checkpoints, at most. */
  readonly checkpointMinutes: number;
  readonly dryRun: boolean;
  readonly quiet: boolean;
}

/** The options that do not change the recipe. @throws UsageError for those that do not fit together */
export function finetuneOptions(
  values: OptionValues<typeof START_OPTIONS & typeof FINETUNE_OPTIONS> & Given,
  typed: Given,
  files: readonly string[],
  { name, start }: { readonly name: string; readonly start: 'checkpoint' | 'scratch' },
): FinetuneOptions {
  const { data, checkpoint, scratch, model, heads, top, workers, quiet } = values;
  if (scratch && checkpoint !== undefined)
    throw new UsageError(
      `--scratch begins with nothing and --checkpoint with '${typed.checkpoint}'; give one.`,
    );
  if (start === 'scratch' && checkpoint !== undefined)
    throw new UsageError(
      `The recipe '${name}' begins with random parameters and --checkpoint with '${typed.checkpoint ?? checkpoint}'; leave --checkpoint out, or give a recipe whose "start" is "checkpoint".`,
    );
  return {
    data,
    checkpoint,
    scratch: scratch || start === 'scratch',
    model,
    heads,
    files: files.map((file) => absolutePath(file, 'A file')),
    top,
    engine: engineOptions(values),
    shardOptimizer: values['shard-optimizer'],
    workers,
    checkpointMinutes: values['checkpoint-minutes'],
    dryRun: values['dry-run'],
    quiet,
  };
}

/** What the command line says instead of a recipe. */
export function finetuneOverrides(
  values: OptionValues<typeof OVERRIDE_OPTIONS> & Given,
  { microBatchSize, data }: { readonly microBatchSize: number; readonly data: { readonly kind: string } },
) {
  const { seed, 'batch-size': batchSize, 'learning-rate': learningRate, 'layer-decay': layerDecay } = values;
  return {
    ...(values.data !== undefined && data.kind !== 'folder' && { data: { kind: 'folder' } as const }),
    ...(batchSize !== undefined && microBatches(batchSize, microBatchSize)),
    ...(learningRate !== undefined && { learningRate }),
    ...(layerDecay !== undefined && { layerDecay }),
    ...(seed !== undefined && { seed }),
  };
}
