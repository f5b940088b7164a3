import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, startCommand } from '@beit/measurements';
import { type Absent, isAbsent } from './alternate';
import type { StepCompetitor, StepRun } from './stepRun';

/**
 * What a process says, a line of JSON each: that it is ready for its next step, which it begins when it is sent a line;
 * and in the end its `StepRun`, or why there is none.
 */
type Message = 'ready' | StepRun | Absent;

/** For threads of the one before that still wait for work. */
const PAUSE_MS = 50;

/**
 * Runs the steps of all of a group, one step of each in turn, so that a slow minute of the machine is one for all of them.
 * They are started one after the other, and each has compiled before the next one is started; from then on all are kept
 * in memory. One that has given its result has ended before the next one's turn: giving its memory back takes time.
 */
export async function takeTurns(group: readonly StepCompetitor[]): Promise<void> {
  let players: { readonly competitor: StepCompetitor; readonly process: ReturnType<typeof start> }[] = [];
  try {
    for (const competitor of group) {
      if (competitor.absent !== undefined) continue;
      console.error(`Starting ${competitor.name}`);
      const process = start(competitor.command);
      players.push({ competitor, process });
      if (finish(competitor, await process.next())) {
        players.pop();
        await process.gone;
      }
    }
    while (players.length > 0) {
      const playing: typeof players = [];
      for (const player of players) {
        await sleep(PAUSE_MS);
        player.process.go();
        if (finish(player.competitor, await player.process.next())) await player.process.gone;
        else playing.push(player);
      }
      players = playing;
    }
  } finally {
    for (const { process } of players) process.kill();
  }
}

/** Takes the result, where the message is one. @returns whether it is */
function finish(competitor: StepCompetitor, message: Message): boolean {
  if (message === 'ready') return false;
  if (isAbsent(message)) {
    console.error(`${competitor.name} is left out: ${message.absent}`);
    competitor.absent = message.absent;
  } else competitor.results.push(message);
  return true;
}

function start(command: Command) {
  const { child, ended } = startCommand(command);
  const silenced = ended.then((): never => {
    throw new Error(`${command.command} ${command.args[0]} ended without a result.`);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    next: async (): Promise<Message> => {
      const { value, done } = await Promise.race([lines.next(), silenced]);
      return done ? silenced : (JSON.parse(value) as Message);
    },
    go: () => child.stdin.write('\n'),
    kill: () => child.kill(),
    /** When it has ended, with its result or without. */
    gone: silenced.catch(() => {}),
  };
}
