import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ProgressReporter } from '@beit/trainer';
import type { OptionTexts } from '../options/optionTable';
import { assertAsBegun } from '../run/assertAsBegun';
import { RUNS, runFolders } from '../run/runFolder';
import { loadPretrained, type Pretrained } from './loadPretrained';
import { tensorsDigest } from './tensorsDigest';

export interface StartOptions {
  readonly checkpoint?: string;
  /** Its number of heads, where it does not tell. */
  readonly heads?: number;
  /** Begin with random parameters. */
  readonly scratch: boolean;
  /** The recipe's name; a pre-training run of the same name is the default. */
  readonly name: string;
}

/** The checkpoint that was asked for, or the newest pre-training run of the same name. */
export async function pretrainedOf(
  { checkpoint, heads, scratch, name }: StartOptions,
  progress: Pick<ProgressReporter, 'message'>,
): Promise<Pretrained | undefined> {
  if (scratch) {
    progress.message('Starting from random parameters.');
    return undefined;
  }
  const newest = checkpoint ?? (await newestPretraining(name));
  if (newest === undefined) {
    progress.message(
      `Starting from random parameters: there is no finished pre-training run '${name}' in ${RUNS}. ` +
        'The better start: pnpm --filter pretrain start; or --checkpoint RUN_OR_FILE.',
    );
    return undefined;
  }
  const pretrained = await loadPretrained(newest, { heads });
  progress.message(`Starting from ${pretrained.path}.`);
  for (const note of pretrained.notes) progress.message(note);
  return pretrained;
}

/** The folder of the newest finished pre-training run of this name. */
export async function newestPretraining(name: string): Promise<string | undefined> {
  const folders = await runFolders(name);
  return folders.filter((folder) => existsSync(join(folder, 'results.json'))).at(-1);
}

/** The checkpoint that training begins with. */
export interface StartedFrom {
  readonly path: string;
  /** Of its tensors. */
  readonly digest: string;
}

export const startedFromOf = ({ path, tensors }: Pretrained): StartedFrom => ({
  path,
  digest: tensorsDigest(tensors),
});

const CHECKPOINT_DIGEST = 'checkpoint-digest';

/** The options that begin with the same, wherever a newer run is by then. @param started undefined: with random parameters */
export const startOf = (started: StartedFrom | undefined): OptionTexts =>
  started === undefined
    ? { scratch: 'true', checkpoint: undefined }
    : { scratch: undefined, checkpoint: started.path, [CHECKPOINT_DIGEST]: started.digest };

/** @throws UsageError where the checkpoint is not what a run began with, of which its folder says `how` */
export const assertSameStart = (how: OptionTexts, started: StartedFrom | undefined): void =>
  assertAsBegun(how, CHECKPOINT_DIGEST, started?.digest, `The checkpoint ${started?.path}`);
