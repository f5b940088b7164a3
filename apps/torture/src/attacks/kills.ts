import { setTimeout } from 'node:timers/promises';
import { type Attack, failed, SURVIVED } from '../attack';
import { launch } from '../process';
import { command, goOn, lastLines, type Victim, wrongAfterwards } from '../victims';

/** At random moments, one to three times, and then to the end. */
export const kills = (victim: Victim): Attack => ({
  name: `kill-${victim.app}`,
  about: `SIGKILL at random moments of ${victim.app}, then on to the end`,
  async attempt({ random, folder }) {
    const out = `${folder}/run`;
    const whole = await victim.whole();
    for (let times = random.integer(1, 3); times > 0; times--) {
      const { child, ended } = launch(command(victim.app, goOn(victim, out)));
      await Promise.race([setTimeout(random.uniform(0, whole.milliseconds)), ended]);
      child.kill('SIGKILL');
      const { status, stderr } = await ended;
      if (status) return failed(`it ended with ${status} before it was killed: ${lastLines(stderr)}`);
    }
    const wrong = await wrongAfterwards(victim, out);
    return wrong === undefined ? SURVIVED : failed(wrong);
  },
});
