/** Errors of the language itself, which say nothing to people. */
const OF_THE_LANGUAGE: readonly string[] = ['RangeError', 'ReferenceError', 'SyntaxError', 'TypeError'];

/** What is wrong with a file, by what hyparquet threw when it read it: part of a sentence. */
export const damageOf = ({ name, message }: Pick<Error, 'name' | 'message'>): string =>
  OF_THE_LANGUAGE.includes(name) ? 'what it says of itself makes no sense' : message;
