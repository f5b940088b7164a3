import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { normOfDifference } from '@beit/measurements';
import { cloneTensors, flattenTensors, type NamedTensors } from '@beit/tensors';
import { loadCheckpoint, saveCheckpoint } from '@beit/trainer';
import type { ResumeRow } from '../rows';
import type { Part, Target } from './part';
import { createPretraining, type Pretraining } from './pretraining';

interface ResumeTask extends Target {
  readonly task: Pretraining;
  readonly batchSize: number;
}

/** Two steps, a checkpoint, two more; and these two once more by a new program that begins with the file. */
export const resume: Part<ResumeTask, ResumeRow> = async ({ task, batchSize, ...target }, tell) => {
  const pretraining = createPretraining(task);
  const inputs = pretraining.inputs(batchSize);
  const folder = await mkdtemp(join(tmpdir(), 'beit-check-'));
  const compiled = () => pretraining.compile(batchSize, target);
  const programs: Awaited<ReturnType<typeof compiled>>[] = [];
  /** The state after these steps; a program's own arrays are written anew by what comes. */
  async function after(program: Awaited<ReturnType<typeof compiled>>, steps: readonly number[]) {
    for (const index of steps) await program.run(inputs(index));
    return cloneTensors(flattenTensors(await program.readState()));
  }
  try {
    const first = await compiled();
    programs.push(first);
    const saved = await after(first, [0, 1]);
    const path = await saveCheckpoint(folder, {
      step: 2,
      name: 'check',
      config: {},
      versions: {},
      state: grouped(saved),
      window: { steps: 0, sums: {} },
    });
    const whole = await after(first, [2, 3]);

    const loaded = flattenTensors((await loadCheckpoint(path)).state);
    const second = await compiled();
    programs.push(second);
    async function resumed() {
      await second.writeState(grouped(loaded));
      return after(second, [2, 3]);
    }
    const once = await resumed();
    await tell({
      precision: target.precision,
      changedByFile: countChanged(saved, loaded),
      apart: normOfDifference(whole, once),
      apartWhenRepeated: normOfDifference(once, await resumed()),
    });
  } finally {
    for (const program of programs) await program.dispose();
    await rm(folder, { recursive: true });
  }
};

/** A state's groups, of its tensors by path. */
function grouped(tensors: NamedTensors) {
  const group = (name: string): NamedTensors =>
    Object.fromEntries(
      Object.entries(tensors)
        .filter(([path]) => path.startsWith(`${name}/`))
        .map(([path, tensor]) => [path.slice(name.length + 1), tensor]),
    );
  return { params: group('params'), m: group('m'), v: group('v') };
}

const countChanged = (saved: NamedTensors, loaded: NamedTensors): number =>
  Object.entries(saved).reduce((count, [name, { data }]) => {
    const other = loaded[name]?.data;
    return count + [...data].filter((x, i) => !Object.is(x, other?.[i])).length;
  }, 0);
