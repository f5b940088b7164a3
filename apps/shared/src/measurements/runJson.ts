import { spawn } from 'node:child_process';

/**
 * Runs a program to its end and returns the JSON value that it prints; what it writes to stderr goes through. It ends
 * with this process.
 *
 * @throws Error with the exit code, when that is not 0
 */
export async function runJson<T>(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const kill = () => child.kill();
  process.once('exit', kill);
  try {
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (...ending) => resolve(ending));
    });
    if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${signal ?? `exit code ${code}`}.`);
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as T;
  } finally {
    process.off('exit', kill);
  }
}

/** The same for a TypeScript file of ours, in a Node like this one. */
export const runNodeJson = <T>(
  file: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<T> => runJson<T>(process.execPath, [...process.execArgv, file, ...args], env);
