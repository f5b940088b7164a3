import { join } from 'node:path';
import { flattenTensors, makeFolder, type NamedTensors } from '@beit/tensors';
import { writeFileAtomic } from '@beit/weights';
import { type Checkpoint, latestCheckpoint, removeTemporaryFiles } from './checkpoint';
import { configDifferences } from './config';
import { agreeOn, isFirst } from './job';
import type { TrainOptions } from './trainOptions';
import { EMPTY_WINDOW } from './window';

/** Where a run stands, and the checkpoint that says so; null before the first. */
export interface ResumePoint extends Pick<Checkpoint, 'step' | 'window' | 'best'> {
  readonly path: string | null;
}

/** Where the run stands, with the program's state set to it. */
export async function resume<I>(options: TrainOptions<I>): Promise<ResumePoint> {
  const { name, program, totalSteps, runDir, config, progress, job } = options;
  await makeFolder(runDir);
  if (isFirst(job)) await removeTemporaryFiles(runDir);
  const latest = await latestCheckpoint(runDir, (text) => progress.message(text));
  if (job)
    await agreeOn(job, latest?.checkpoint.step ?? 0, (own) => {
      const found = latest ? `checkpoint of step ${own}` : 'no checkpoint';
      return `Process ${job.rank} finds ${found} in ${runDir}, and others another one. It must be one folder for all.`;
    });
  if (latest) {
    const { path, checkpoint } = latest;
    assertContinues(checkpoint, path, name, config, totalSteps);
    const state = await program.readState();
    if (isFirst(job)) assertFits(flattenTensors(checkpoint.state), flattenTensors(state), path);
    // The first one has all of the state to compare with; when it finds fault, its end is theirs.
    await job?.barrier();
    await program.writeState(checkpoint.state);
    progress.message(`${name}: continuing at step ${checkpoint.step} of ${totalSteps} from ${path}.`);
  }
  const json = new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`);
  if (isFirst(job)) await writeFileAtomic(join(runDir, 'config.json'), [json]);
  if (!latest) return { step: 0, window: EMPTY_WINDOW, path: null };
  return { ...latest.checkpoint, path: latest.path };
}

function assertContinues(
  checkpoint: Checkpoint,
  path: string,
  name: string,
  config: object,
  totalSteps: number,
): void {
  if (checkpoint.name !== name) {
    throw new Error(
      `${path} is of the stage "${checkpoint.name}", not "${name}". Choose another folder for this run.`,
    );
  }
  const different = configDifferences(checkpoint.config, config);
  if (different.length > 0) {
    throw new Error(
      `${path} was made with another configuration: ${different.join('; ')}. ` +
        'Choose another folder for this run, or the old configuration to continue.',
    );
  }
  if (checkpoint.step > totalSteps) {
    throw new Error(`${path} has ${checkpoint.step} steps, but the run is to have ${totalSteps}.`);
  }
}

function assertFits(saved: NamedTensors, expected: NamedTensors, path: string): void {
  const describe = (tensor: NamedTensors[string] | undefined) =>
    tensor ? `${tensor.dtype} [${tensor.shape}]` : 'nothing';
  const wrong = [...new Set([...Object.keys(expected), ...Object.keys(saved)])].filter(
    (key) => describe(saved[key]) !== describe(expected[key]),
  );
  if (wrong.length > 0) {
    const shown = wrong
      .slice(0, 5)
      .map((key) => `"${key}" is ${describe(saved[key])}, expected ${describe(expected[key])}`);
    throw new Error(
      `${path} does not fit the program: ${shown.join('; ')}${wrong.length > 5 ? `; and ${wrong.length - 5} more` : ''}.`,
    );
  }
}
