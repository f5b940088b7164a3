import { basename } from 'node:path';
import { engineCheck, loadFixture, toleranceOf } from '@beit/parity';
import { messageOf } from '@beit/tensors';
import type { ParityRow } from '../rows';
import type { Part, Target } from './part';

interface ParityTask extends Target {
  /** Paths of fixtures that an engine takes part in. */
  readonly files: readonly string[];
}

/** The engine's numbers against those of the reference implementations. */
export const parity: Part<ParityTask, ParityRow> = async ({ files, ...target }, tell) => {
  const { precision } = target;
  for (const path of files) {
    const file = basename(path);
    try {
      const check = engineCheck(file);
      if (!check) throw new Error('No engine takes part in this fixture.');
      for (const measured of await check(await loadFixture(path), target)) {
        const { group, error } = measured;
        await tell({ file, precision, group, error, tolerance: toleranceOf(file, measured, precision) });
      }
    } catch (error) {
      await tell({ file, precision, message: messageOf(error) });
    }
  }
};
