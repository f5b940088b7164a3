import { copyFile, readFile, rename } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { installOpenvino, installTensorflow, installXla } from '@beit/engines';
import { describeFile, engineFolder, INSTALL_RECORD, installCommand } from '@beit/installed';
import type { Random } from '@beit/random';
import { type Attack, failed, SURVIVED } from '../attack';
import { type EngineVictim, machineWith, runProgram, wrongAnswer } from '../engines/victim';
import { damage } from '../files/damage';
import type { Ended } from '../process';
import { describeEnd, lastLines } from '../victims';

/** An installed engine of which one file is damaged: the right numbers, or an error that names the file. */
export const engines = (victim: EngineVictim): Attack => ({
  name: `engine-${victim.engine}`,
  about: `one file of the installed ${victim.engine} cut, changed, removed ...: the right numbers, or the file by name`,
  missing: victim.missing,
  async attempt({ random, folder }) {
    const { engine, installed } = victim;
    const files = await victim.copyInto(folder);
    const path = chosen(files, random);
    await unlinked(path);
    const { what, keepsSize } = await damage(path, files, random);
    const asked = random.uniform() < 0.75 ? engine : 'auto';
    const about = `${path}, ${what}, --engine ${asked}`;

    const ended = await runProgram(folder, asked);
    const wrong = await wrongEnd(victim, ended, path);
    if (wrong !== undefined) {
      // Contents are compared where the process before ended without a word.
      const mayCrash = keepsSize && !isRecord(path) && ended.status === null;
      if (!mayCrash) return failed(`${about}: ${wrong}`);
      const next = await wrongEnd(victim, await runProgram(folder, asked), path);
      if (next !== undefined) return failed(`${about}: ${wrong}; after it ${next}`);
    }
    const original = join(
      engineFolder(installed),
      relative(engineFolder(installed, machineWith(folder)), path),
    );
    if ((await isTakenForInstalled(victim, folder)) && !(await saysTheSame(path, original)))
      return failed(`${about}: to install it says that it is there, and whole`);
    return SURVIVED;
  },
});

const isRecord = (path: string) => basename(path) === INSTALL_RECORD;

/** The record, libraries and the rest, of which there is most in number, all have their turn. */
function chosen(files: readonly string[], random: Random): string {
  const kind = random.uniform();
  const libraries = files.filter((path) => /\.(so|node|dylib|dll)[.\d]*$/.test(path));
  const some = kind < 0.15 ? files.filter(isRecord) : kind < 0.6 ? libraries : files;
  return some[random.integer(0, some.length - 1)]!;
}

/** A file of its own in place of a link. */
async function unlinked(path: string): Promise<void> {
  await copyFile(path, `${path}.own`);
  await rename(`${path}.own`, path);
}

/** What is wrong with how a process ended; undefined: nothing. */
async function wrongEnd(victim: EngineVictim, ended: Ended, path: string): Promise<string | undefined> {
  if (ended.status === 0) return wrongAnswer(victim, ended);
  const { status, stderr, timedOut } = ended;
  if (timedOut) return 'it came to no end';
  if (status !== 1) return `it ended with ${describeEnd(ended)}: ${lastLines(stderr)}`;
  if (!stderr.includes(path) || !stderr.includes(`'${installCommand(victim.installed)}'`))
    return `it does not name the file, or not what to do: ${lastLines(stderr)}`;
  return undefined;
}

/** Whether `beit-engine install` would leave it as it is. It is stopped before it brings anything. */
async function isTakenForInstalled({ engine }: EngineVictim, cache: string): Promise<boolean> {
  const options = { signal: AbortSignal.abort() };
  const machine = machineWith(cache);
  const install = {
    openvino: () => installOpenvino(options, machine),
    xla: () => installXla({ ...options, device: 'cpu' }, machine),
    tensorflow: () => installTensorflow(options, machine),
  };
  return install[engine]().then(
    () => true,
    () => false,
  );
}

/** Whether a file is as good as the original: some changes change nothing, and of a record blanks do not matter. */
async function saysTheSame(path: string, original: string): Promise<boolean> {
  if (!isRecord(path)) return (await describeFile(path)).sha256 === (await describeFile(original)).sha256;
  const [now, before] = await Promise.all([path, original].map((file) => readFile(file, 'utf8')));
  return JSON.stringify(JSON.parse(now!)) === JSON.stringify(JSON.parse(before!));
}
