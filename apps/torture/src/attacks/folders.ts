import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Random } from '@beit/random';
import { type Attack, failed, SURVIVED } from '../attack';
import { type Place, STRANGERS, type Stranger } from '../folders/strangers';
import type { App } from '../fromApp';
import { oneOf } from '../oneOf';
import { type Ended, hasEnded, launch } from '../process';
import { command, describeEnd, lastLines, type Victim, wrongWith } from '../victims';
import { RAW } from './files';

const TIME_LIMIT_MS = 60_000;
/** Of a case, at most. */
const MOST_STRANGERS = 6;

/** Folders of pictures in which there is more: what is no picture changes nothing, what cannot be read is named. */
export const folders = (victim: Victim): Attack => ({
  name: `folders-${victim.app}`,
  about: `${victim.app} with pipes, sockets, odd names and links, damaged files among its pictures: all are used, passed over or named`,
  async attempt({ random, folder }) {
    await victim.whole();
    const data = join(folder, 'data');
    cpSync(victim.data, data, { recursive: true });
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    const possible = STRANGERS.filter(({ missing }) => missing?.() === undefined);
    const order = [...random.permutation(possible.length)].slice(0, random.integer(1, MOST_STRANGERS));
    const strangers = order.map((i) => possible[i]!);
    for (const stranger of strangers) await put(stranger, victim.app, data, elsewhere, random);

    const out = join(folder, 'run');
    const args = victim.begin(out, { data }).filter((arg) => arg !== '--quiet');
    const { child, ended } = launch(command(victim.app, args), { timeLimit: TIME_LIMIT_MS });
    const change = oneOf(random, [undefined, undefined, ...CHANGES]);
    if (change) {
      while (!existsSync(join(out, 'recipe.json')) && !hasEnded(child)) await setTimeout(10);
      await setTimeout(random.uniform(0, 500));
      change(join(data, oneOf(random, FOLDERS[victim.app])), random);
    }
    const end = await ended;
    const wrong = wrongWithEnd(end, strangers, out, change !== undefined) ?? (await wrongNumbers());
    return wrong === undefined
      ? SURVIVED
      : failed(`${namesOf(strangers)}${change ? ` and ${change.name}` : ''}: ${wrong}`);

    async function wrongNumbers(): Promise<string | undefined> {
      const counted = countOf(end.stderr);
      const right = PICTURES[victim.app] + strangers.filter(isCounted).length;
      if (counted !== right) return `${right} files are called as pictures, ${counted} were counted`;
      if (strangers.some(isCounted) || (change && change !== appears)) return undefined;
      return wrongWith(victim, out);
    }
  },
});

/** Where the pictures of a victim are, and how many there are in all. */
const FOLDERS: Readonly<Record<App, readonly string[]>> = {
  pretrain: ['a', 'b', 'c'],
  classify: ['a', 'b', 'c'],
  ade20k: ['images/training', 'images/validation'],
};
const PICTURES: Readonly<Record<App, number>> = { pretrain: 36, classify: 36, ade20k: 13 };

const isCounted = ({ is }: Stranger) => is === 'picture' || is === 'unreadable';
const namesOf = (strangers: readonly Stranger[]) =>
  strangers.map(({ name }) => JSON.stringify(name.toString())).join(', ');

async function put(stranger: Stranger, app: App, data: string, elsewhere: string, random: Random) {
  const folders = FOLDERS[app];
  const which = random.integer(0, folders.length - 1);
  const folder = join(data, folders[which]!);
  const sibling = app === 'ade20k' ? undefined : resolve(data, folders[(which + 1) % folders.length]!);
  const placeOf = (folder: string): Place => {
    return { folder, elsewhere, sibling, picture: readFileSync(join(folder, '0.png')) };
  };
  const photos = placeOf(folder);
  if (app !== 'ade20k' || !isCounted(stranger)) return makeAt(photos, stranger);
  const masks = placeOf(join(data, folders[which]!.replace('images', 'annotations')));
  const bytes = Buffer.from(stranger.name).toString('latin1');
  const name = Buffer.from(bytes.replace(/\.\w+$/, '.png'), 'latin1');
  const whole = ({ picture }: Place): Named => ({ name, make: (path) => writeFileSync(path, picture) });
  // The picture is odd, or its mask is.
  const isMask = bytes.endsWith('.png') && random.uniform() < 0.5;
  await makeAt(photos, isMask ? whole(photos) : stranger);
  await makeAt(masks, isMask ? stranger : whole(masks));
}

type Named = Pick<Stranger, 'name' | 'make'>;

async function makeAt(place: Place, { name, make }: Named) {
  const { folder } = place;
  const bytes = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]);
  mkdirSync(bytes.subarray(0, bytes.lastIndexOf('/')), { recursive: true });
  await make(typeof name === 'string' ? join(folder, name) : bytes, place);
}

function wrongWithEnd(
  end: Ended,
  strangers: readonly Stranger[],
  out: string,
  isChanged: boolean,
): string | undefined {
  const { status, stderr, stdout, timedOut } = end;
  if (timedOut) return `it did not end in ${TIME_LIMIT_MS / 1000} s: ${lastLines(stderr)}`;
  if (RAW.test(stderr)) return `it told ${lastLines(stderr)}`;
  if (status !== 0) {
    const isNamed = isChanged && /'[^']+\.(png|jpg|PNG)'/.test(stderr);
    return isNamed ? undefined : `it ended with ${describeEnd(end)}: ${lastLines(stderr)}`;
  }
  const list = join(out, 'unreadable.json');
  const unreadable = existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as { name: string }[]) : [];
  const isTold = ({ is, name, told = name.toString() }: Stranger) => {
    if (is === 'passed over') return `${stdout}${stderr}`.includes(told);
    return is !== 'unreadable' || unreadable.some((file) => file.name.endsWith(told));
  };
  const untold = strangers.filter((stranger) => !isTold(stranger));
  return untold.length > 0 ? `nothing is told of ${namesOf(untold)}` : undefined;
}

/** Images that a run says it has. */
const countOf = (stderr: string): number =>
  /(\d+) images (?:of \d+ classes )?to train on, (\d+)/
    .exec(stderr)
    ?.slice(1)
    .reduce((sum, count) => sum + Number(count), 0) ?? 0;

const someIn = (folder: string, random: Random) =>
  join(
    folder,
    oneOf(
      random,
      readdirSync(folder).filter((name) => /^\d+\.png$/.test(name)),
    ),
  );

function appears(folder: string) {
  writeFileSync(join(folder, 'new.png'), readFileSync(join(folder, '0.png')));
}
function disappears(folder: string, random: Random) {
  rmSync(someIn(folder, random));
}
function turnsIntoAFolder(folder: string, random: Random) {
  const path = someIn(folder, random);
  rmSync(path);
  mkdirSync(path);
}
function isEmptied(folder: string, random: Random) {
  writeFileSync(someIn(folder, random), '');
}
/** While it is trained. */
const CHANGES = [appears, disappears, turnsIntoAFolder, isEmptied];
