import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Attack, failed, SURVIVED } from '../attack';
import { runToEnd } from '../process';
import { command, describeEnd, lastLines, type Victim, wrongAfterwards } from '../victims';

/** A disk too small for the run: it says which file could not be written, and goes on when there is room. */
export const fullDisk = (victim: Victim): Attack => ({
  name: `disk-${victim.app}`,
  about: `${victim.app} on a disk that becomes full, then on to the end with more room`,
  missing: () =>
    canMount() ? undefined : 'a disk of a size of its own (tmpfs) cannot be made here; root on Linux can',
  async attempt({ random, folder }) {
    const disk = `${folder}/disk`;
    const whole = await victim.whole();
    mkdirSync(disk);
    const kibibytes = random.integer(4, Math.ceil((1.2 * whole.bytes) / 1024));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', disk]);
    try {
      const out = `${disk}/run`;
      const ended = await runToEnd(command(victim.app, victim.begin(out)));
      const { status, stderr } = ended;
      if (status !== 0) {
        if (status === null) return failed(`with ${kibibytes} KiB it ended with ${describeEnd(ended)}`);
        if (!/ENOSPC|no space left/i.test(stderr) || !stderr.includes(disk))
          return failed(
            `with ${kibibytes} KiB it does not say what could not be written: ${lastLines(stderr)}`,
          );
      }
      execFileSync('mount', ['-o', 'remount,size=256m', disk]);
      const wrong = await wrongAfterwards(victim, out);
      return wrong === undefined ? SURVIVED : failed(`after ${kibibytes} KiB: ${wrong}`);
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  },
});

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'torture-disk-'));
  try {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', folder]).status !== 0) return false;
    return spawnSync('umount', [folder]).status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
