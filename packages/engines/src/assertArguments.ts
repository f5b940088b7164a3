import { type ParseArgsConfig, parseArgs } from 'node:util';

/**
 * What `parseArgs` would complain of, in messages that name the option, what was expected, and where there is more.
 *
 * @throws Error for an option that there is not, that lacks its value, or that has one which it does not take; for words
 *   where none are taken
 */
export function assertArguments({ args = [], options = {}, allowPositionals }: ParseArgsConfig): void {
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const fail = (message: string) => {
    throw new Error(`${message}; --help tells more.`);
  };
  for (const token of tokens) {
    if (token.kind === 'positional' && allowPositionals !== true)
      fail(`'${token.value}' is too much; options are expected`);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const type = Object.hasOwn(options, name) ? options[name]?.type : undefined;
    if (type === undefined) fail(`There is no option ${rawName}`);
    if (type === 'boolean' && value !== undefined) fail(`${rawName} is '${value}', and takes no value`);
    if (type === 'string' && (value === undefined || (!inlineValue && /^-./.test(value))))
      fail(`${rawName} has no value; ${rawName} VALUE is expected`);
  }
}
