import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** How a process is started. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface StartedCommand {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  /** Rejects unless it ends with exit code 0. */
  readonly ended: Promise<void>;
}

/** A process that is written to and read from; what it writes to stderr goes through. It ends with this process. */
export function startCommand({ command, args, env }: Command): StartedCommand {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const kill = () => child.kill();
  process.once('exit', kill);
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.off('exit', kill);
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args[0]} ended with ${signal ?? `exit code ${code}`}.`));
    });
  });
  return { child, ended };
}
