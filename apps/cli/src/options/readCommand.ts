import { UsageError } from '../commandLine';

/**
 * What the words between the options ask for.
 *
 * @param commands the first one is meant where there is no word
 * @param withFiles the commands that take files
 * @throws UsageError for another command, and for words that no command takes
 */
export function readCommand<Command extends string>(
  [word, ...files]: readonly string[],
  commands: readonly [Command, ...Command[]],
  withFiles: readonly Command[] = [],
): { readonly command: Command; readonly files: readonly string[] } {
  const command = word === undefined ? commands[0] : commands.find((name) => name === word);
  if (!command) throw new UsageError(`There is no command '${word}'. Commands: ${commands.join(', ')}.`);
  if (!withFiles.includes(command) && files.length > 0)
    throw new UsageError(`'${files[0]}' is too much; expected options after '${command}'.`);
  return { command, files };
}
