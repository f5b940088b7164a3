import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What a program prints. @throws where it is not there, or fails */
export async function ask(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, [...args], { timeout: 30_000 });
  return stdout;
}
