import { setTimeout } from 'node:timers/promises';
import { type Attack, failed, SURVIVED } from '../attack';
import { launch } from '../process';
import { command, goOn, lastLines, type Victim, wrongAfterwards } from '../victims';

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** What asks a run to stop: it saves and says so, and goes on later. */
export const signals = (victim: Victim): Attack => ({
  name: `signal-${victim.app}`,
  about: `SIGINT, SIGTERM or SIGHUP to ${victim.app}, once or twice, then on to the end`,
  async attempt({ random, folder }) {
    const out = `${folder}/run`;
    const whole = await victim.whole();
    const names = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[];
    const name = names[random.integer(0, names.length - 1)]!;
    const twice = random.uniform() < 0.3;
    const { child, ended } = launch(command(victim.app, goOn(victim, out)));
    await Promise.race([setTimeout(random.uniform(0, whole.milliseconds)), ended]);
    child.kill(name);
    if (twice) child.kill(name);
    const { status, signal, stderr, timedOut } = await ended;
    // Before it listens a signal ends it at once; 130 is that of a run that was saved.
    const isFine = signal === name || status === 0 || status === 130 || status === SIGNALS[name];
    if (timedOut || !isFine)
      return failed(
        `after ${name} it ended with ${timedOut ? 'nothing at all' : (status ?? signal)}: ${lastLines(stderr)}`,
      );
    const wrong = await wrongAfterwards(victim, out);
    return wrong === undefined ? SURVIVED : failed(wrong);
  },
});
