import { startCommand } from './startCommand';

/**
 * Runs a program to its end and returns the JSON value that it prints; what it writes to stderr goes through. It ends
 * with this process.
 *
 * @throws Error with the exit code, when that is not 0
 */
export async function runJson<T>(
  command: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<T> {
  const { child, ended } = startCommand({ command, args, env });
  child.stdin.end();
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  await ended;
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as T;
}

/** The same for a TypeScript file of ours, in a Node like this one. */
export const runNodeJson = <T>(
  file: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<T> => runJson<T>(process.execPath, [...process.execArgv, file, ...args], env);
