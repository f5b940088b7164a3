import { spawnSync } from 'node:child_process';
import { type Attack, failed, SURVIVED } from '../attack';
import { launch } from '../process';
import { command, goOn, lastLines, type Victim, wrongAfterwards } from '../victims';

/** Those by which files come to be, and change. */
const CALLS = ['openat', 'write', 'pwrite64', 'rename', 'fsync', 'unlink', 'mkdir', 'ftruncate'] as const;
/** A run makes so many of each, about; later numbers let it come to its end. */
const MOST: Readonly<Record<(typeof CALLS)[number], number>> = {
  openat: 4000,
  write: 1500,
  pwrite64: 60,
  rename: 30,
  fsync: 60,
  unlink: 20,
  mkdir: 12,
  ftruncate: 10,
};

/** SIGKILL as a process enters its n-th call of a kind: between any two things that it does to files. */
export const systemCalls = (victim: Victim): Attack => ({
  name: `syscall-${victim.app}`,
  about: `SIGKILL at the n-th write, rename, fsync ... of ${victim.app}, then on to the end`,
  missing: () =>
    spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0
      ? undefined
      : 'strace, by which calls are counted, is not here or may not trace',
  async attempt({ random, folder }) {
    const out = `${folder}/run`;
    await victim.whole();
    const call = CALLS[random.integer(0, CALLS.length - 1)]!;
    const number = random.integer(1, MOST[call]);
    const inject = `inject=${call}:signal=SIGKILL:when=${number}`;
    const traced = ['strace', '-f', '-qq', '-o', `${folder}/strace.txt`, '-e', `trace=${call}`, '-e', inject];
    const { status, stderr } = await launch([...traced, ...command(victim.app, goOn(victim, out))]).ended;
    // strace ends as what it traced did.
    if (status) return failed(`with ${inject} it ended with ${status}: ${lastLines(stderr)}`);
    const wrong = await wrongAfterwards(victim, out);
    return wrong === undefined ? SURVIVED : failed(`after ${inject}: ${wrong}`);
  },
});
