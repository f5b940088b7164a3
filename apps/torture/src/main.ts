import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  flag,
  number,
  option,
  optionHelp,
  parseOptionTable,
  path,
  RUNS,
  runMain,
  text,
  UsageError,
  whole,
} from '@beit/cli';
import type { Attack } from './attack';
import { collisions } from './attacks/collisions';
import { engines } from './attacks/engines';
import { files } from './attacks/files';
import { folders } from './attacks/folders';
import { fullDisk } from './attacks/fullDisk';
import { kills } from './attacks/kills';
import { programs } from './attacks/programs';
import { recipes } from './attacks/recipes';
import { servers } from './attacks/servers';
import { signals } from './attacks/signals';
import { systemCalls } from './attacks/systemCalls';
import { campaign, inTurn, type Row } from './campaign';
import { engineVictim, VICTIM_ENGINES } from './engines/victim';
import { FORMATS } from './files/formats';
import { APPS } from './fromApp';
import { makeVictim } from './victims';

const OPTIONS = {
  minutes: option('N', 'ends after so long', number(0.01), 10),
  cases: option('N', 'of each attack, at most', whole(1), 1_000_000),
  seed: option('N', 'of the first case; the next ones follow', whole(0), 1),
  only: option('TEXT', 'attacks whose names have it: kill, disk-classify, files-png, engine', text, ''),
  out: option('DIR', 'where cases have their folders; those that failed stay', path, join(RUNS, 'torture')),
  list: flag('the attacks, and stop'),
};

const HELP = `Usage: pnpm torture [options]

Does harm to runs and files, and looks whether anything is lost or wrong without a word: runs are killed, asked to stop,
given a full disk, started in one folder; what they then come to must be the same to the bit as undisturbed. Files are
changed at random, those of installed engines and of programs that they kept among them; each must be read, or refused
by an error that names it. Attacks take turns; each case is drawn from
its seed. Of a case that failed the folder stays, and the command that repeats it is told. The status is 1 if one did.

${optionHelp(OPTIONS)}`;

const ON_RUNS = [kills, signals, systemCalls, fullDisk, collisions, folders, recipes];

async function main(): Promise<number> {
  const parsed = parseOptionTable(OPTIONS, process.argv.slice(2));
  if (parsed === 'help') {
    console.log(HELP);
    return 0;
  }
  const { minutes, cases, seed, only, out, list } = parsed.values;
  const victims = join(out, 'victims');
  const say = (line: string) => console.error(line);
  const installed = VICTIM_ENGINES.map((engine) => engineVictim(engine, victims));
  const runs = APPS.map((app) => makeVictim(app, victims, say));
  const kinds: Attack[][] = [
    // Each on one app before any comes to the next: a short time tries all of them.
    runs.flatMap((_, turn) => ON_RUNS.map((attack, i) => attack(runs[(i + turn) % runs.length]!))),
    FORMATS.map(files),
    [servers],
    installed.map(engines),
    installed.filter(({ keepsPrograms }) => keepsPrograms).map(programs),
  ];
  const chosen = kinds.map((attacks) => attacks.filter(({ name }) => name.includes(only)));
  if (chosen.flat().length === 0) {
    const names = kinds.flat().map(({ name }) => name);
    throw new UsageError(`--only is '${only}'; expected a part of ${names.join(', ')}.`);
  }
  if (list) {
    for (const { name, about } of chosen.flat()) console.log(`${name.padEnd(28)} ${about}`);
    return 0;
  }
  const possible = inTurn(chosen).filter(({ name, missing }) => {
    const why = missing?.();
    if (why !== undefined) say(`${name} is left out: ${why}`);
    return why === undefined;
  });
  await rm(victims, { recursive: true, force: true });
  const rows = await campaign(possible, {
    ...{ seed, minutes, cases, folder: join(out, 'cases') },
    onCase({ attack: { name }, tried }, seed, why) {
      if (why === undefined) say(`${name} ${seed}: survived, ${tried} in all`);
      else
        say(`${name} ${seed}: FAILED\n${why}\n  again: pnpm torture --only ${name} --seed ${seed} --cases 1`);
    },
  });
  console.log(tableOf(rows));
  return rows.some(({ failed }) => failed.length > 0) ? 1 : 0;
}

function tableOf(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ attack }) => attack.name.length));
  const line = (...[name, ...counts]: string[]) =>
    [name!.padEnd(width), ...counts.map((count) => count.padStart(9))].join(' ');
  const sum = (count: (row: Row) => number) => rows.reduce((all, row) => all + count(row), 0);
  const counts = (tried: number, failed: number) => [tried, tried - failed, failed].map(String);
  return [
    line('', 'tried', 'survived', 'failed'),
    ...rows.map(({ attack, tried, failed }) => line(attack.name, ...counts(tried, failed.length))),
    line(
      'all',
      ...counts(
        sum(({ tried }) => tried),
        sum(({ failed }) => failed.length),
      ),
    ),
    ...rows.flatMap(({ attack, failed }) =>
      failed.map(({ seed, why, folder }) => `\n${attack.name} ${seed}: ${why}\n  kept: ${folder}`),
    ),
  ].join('\n');
}

await runMain(main);
