import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  engineFolder,
  here,
  INSTALL_RECORD,
  type Installable,
  installCommand,
  type Surroundings,
} from '@beit/installed';
import { type Ended, launch } from '../process';
import { describeEnd, lastLines } from '../victims';
import type { Answer } from './program';

/** By what `beit-engine` calls them, and whether they keep programs that they compiled. */
const ENGINES = {
  openvino: { installed: 'openvino', keepsPrograms: true },
  xla: { installed: 'xla-cpu', keepsPrograms: true },
  tensorflow: { installed: 'tensorflow', keepsPrograms: false },
} as const satisfies Record<string, Pick<EngineVictim, 'installed' | 'keepsPrograms'>>;
type VictimEngine = keyof typeof ENGINES;
export const VICTIM_ENGINES = Object.keys(ENGINES) as VictimEngine[];

/** An engine that is installed here, and a small program that runs on it. */
export interface EngineVictim {
  readonly engine: VictimEngine;
  readonly installed: Installable;
  readonly keepsPrograms: boolean;
  /** A cache folder that nobody damages: what the engine kept for its own answer is in it. */
  readonly cache: string;
  /** Why there is nothing to damage. */
  missing(): string | undefined;
  /** Installs it in another cache folder. @returns its files, which are links to those that are in use: none may be written */
  copyInto(cache: string): Promise<string[]>;
  /** What an engine answers that nobody damaged; asked once. */
  answer(engine: string): Promise<Answer>;
}

/** @param folder for caches that nobody damages */
export function engineVictim(engine: VictimEngine, folder: string): EngineVictim {
  const { installed, keepsPrograms } = ENGINES[engine];
  const source = engineFolder(installed);
  const cacheOf = (other: string) => join(folder, `${engine}-on-${other}`);
  async function copyInto(cache: string): Promise<string[]> {
    const target = engineFolder(installed, machineWith(cache));
    const files: string[] = [];
    for (const path of await filesIn(source)) {
      const own = join(target, relative(source, path));
      await mkdir(dirname(own), { recursive: true });
      // Two disks have no links in common.
      await link(path, own).catch(() => copyFile(path, own));
      files.push(own);
    }
    return files;
  }
  async function ask(other: string): Promise<Answer> {
    const cache = cacheOf(other);
    await mkdir(cache, { recursive: true });
    if (other === engine) await copyInto(cache);
    const ended = await runProgram(cache, other);
    if (ended.status === 0) return answerIn(ended);
    throw new Error(`${other} does not run undamaged: ${describeEnd(ended)}: ${lastLines(ended.stderr)}`);
  }
  const answers = new Map<string, Promise<Answer>>();
  return {
    engine,
    installed,
    keepsPrograms,
    cache: cacheOf(engine),
    copyInto,
    missing: () =>
      existsSync(join(source, INSTALL_RECORD))
        ? undefined
        : `it is not installed: ${installCommand(installed)} brings it`,
    answer(other) {
      const known = answers.get(other) ?? ask(other);
      answers.set(other, known);
      return known;
    },
  };
}

/** This machine, with a cache folder of its own. */
export const machineWith = (cache: string): Surroundings => ({
  ...here(),
  env: { ...process.env, ...envOf(cache) },
});

/** What the user set would be taken before what is installed. */
const envOf = (cache: string) => ({ BEIT_CACHE: cache, BEIT_OPENVINO: '', BEIT_PJRT: '' });

/** Regular files of a folder and those below, in a fixed order; none where there is no folder. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Longer than a damaged engine, or a program that is compiled anew, may take. */
const TIME_LIMIT_MS = 60_000;

const PROGRAM = fileURLToPath(new URL('program.ts', import.meta.url));

/** Starts the small program with a cache folder of its own. */
export const runProgram = (cache: string, engine: string): Promise<Ended> =>
  launch(
    [process.execPath, '--conditions=@beit/source', '--import', import.meta.resolve('tsx'), PROGRAM, engine],
    { env: envOf(cache), timeLimit: TIME_LIMIT_MS },
  ).ended;

const answerIn = ({ stdout }: Ended): Answer => JSON.parse(stdout) as Answer;

/** What is wrong with the numbers of a process that came to its end; undefined: nothing. */
export async function wrongAnswer(victim: EngineVictim, ended: Ended): Promise<string | undefined> {
  const { engine, digest } = answerIn(ended);
  return digest === (await victim.answer(engine)).digest
    ? undefined
    : `${engine} gives other numbers without a word`;
}
