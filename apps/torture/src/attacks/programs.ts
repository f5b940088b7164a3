import { cp } from 'node:fs/promises';
import { basename, relative } from 'node:path';
import { type Attack, failed, SURVIVED } from '../attack';
import { type EngineVictim, filesIn, runProgram, wrongAnswer } from '../engines/victim';
import { damage } from '../files/damage';
import { describeEnd, lastLines } from '../victims';

/** Programs that an engine compiled and kept, damaged: the same numbers from programs that are compiled anew, and kept. */
export const programs = (victim: EngineVictim): Attack => ({
  name: `programs-${victim.engine}`,
  about: `one to four times damaged, the programs that ${victim.engine} kept: the same numbers, within a minute`,
  missing: victim.missing,
  async attempt({ random, folder }) {
    await victim.answer(victim.engine);
    await victim.copyInto(folder);
    const engine = new Set(await filesIn(folder));
    const filter = (path: string) => relative(victim.cache, path) !== 'engines';
    await cp(victim.cache, folder, { recursive: true, filter });
    const kept = (await filesIn(folder)).filter((path) => !engine.has(path));
    if (kept.length === 0) return failed(`${victim.engine} keeps no programs`);

    const done: string[] = [];
    for (let changes = random.integer(1, 4); changes > 0 && kept.length > 0; changes--) {
      const at = random.integer(0, kept.length - 1);
      const path = kept[at]!;
      const others = kept.filter((other) => other !== path);
      const { what, isGone } = await damage(path, others, random);
      if (isGone) kept.splice(at, 1);
      done.push(`${basename(path)} ${what}`);
    }
    // The second finds what the first kept anew.
    for (const time of ['first', 'second']) {
      const ended = await runProgram(folder, victim.engine);
      const { status, stderr, timedOut } = ended;
      const end = timedOut ? 'no end' : describeEnd(ended);
      const wrong = status === 0 ? await wrongAnswer(victim, ended) : `came to ${end}: ${lastLines(stderr)}`;
      if (wrong !== undefined) return failed(`${done.join('; ')}: the ${time} run: ${wrong}`);
    }
    return SURVIVED;
  },
});
