import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { type Attack, failed, SURVIVED } from '../attack';
import { type Ended, hasEnded, launch, type Running } from '../process';
import { command, lastLines, type Victim, wrongAfterwards, wrongWith } from '../victims';

/** Several processes want one folder: one gets it, the others say who has it. */
export const collisions = (victim: Victim): Attack => ({
  name: `collision-${victim.app}`,
  about: `several ${victim.app} at once in one folder, new or with --resume`,
  async attempt({ random, folder }) {
    const out = `${folder}/run`;
    await victim.whole();
    const resumes = random.uniform() < 0.5;
    const count = random.integer(2, 4);
    const begin = () => launch(command(victim.app, victim.begin(out)));
    const first = begin();
    if (resumes) while (!existsSync(`${out}/recipe.json`) && !hasEnded(first.child)) await setTimeout(10);
    const others: Running[] = [];
    for (let i = 1; i < count; i++) {
      await setTimeout(random.uniform(0, 300));
      others.push(resumes ? launch(command(victim.app, ['--resume', '--out', out, '--quiet'])) : begin());
    }
    const ends = await Promise.all([first, ...others].map(({ ended }) => ended));
    const trained = ends.filter(({ status, stdout }) => status === 0 && !stdout.includes('is finished'));
    const odd = ends.find((end) => end.status !== 0 && !isRefused(end));
    if (odd) return failed(`one ended with ${odd.status ?? odd.signal}: ${lastLines(odd.stderr)}`);
    // A second one may have come when the first had just ended. Two at once would leave metrics twice.
    const wrong = trained.length > 0 ? await wrongWith(victim, out) : await wrongAfterwards(victim, out);
    return wrong === undefined ? SURVIVED : failed(wrong);
  },
});

const isRefused = ({ status, stderr }: Ended): boolean =>
  status === 1 && /trains in|holds a run|is of no run in this folder/.test(stderr);
