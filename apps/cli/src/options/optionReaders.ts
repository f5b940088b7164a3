/** What an option's text may be. Each throws a UsageError that names the flag, the text and what was expected. */
import { resolve } from 'node:path';
import { type ImageSize, shortSize } from '@beit/tensors';
import { typedIn, UsageError } from '../commandLine';

/** Makes a value of what was typed. */
export type Reader<T> = (text: string, flag: string) => T;

export const text = (text: string): string => text;

/**
 * An empty path, such as that of a variable that is not set, would be the folder that one is in.
 *
 * @param what it is called in messages
 */
export function absolutePath(text: string, what: string): string {
  if (text === '') throw new UsageError(`${what} is ''; expected a path.`);
  return resolve(typedIn(), text);
}

/** Absolute. */
export const path: Reader<string> = (text, flag) => absolutePath(text, `--${flag}`);

export const whole =
  (least: number): Reader<number> =>
  (text, flag) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least) {
      throw new UsageError(`--${flag} is '${text}'; expected a whole number of at least ${least}.`);
    }
    return value;
  };

/** Pixels: the side of a square, or height and width. */
export const imageSize: Reader<ImageSize> = (text, flag) => {
  const sides = text.split(',');
  const [height, width = height] = sides.map(Number);
  const isSide = (side: number | undefined): side is number => Number.isSafeInteger(side) && side! >= 1;
  if (sides.length > 2 || sides.some((side) => side.trim() === '') || !isSide(height) || !isSide(width))
    throw new UsageError(
      `--${flag} is '${text}'; expected pixels, the side of a square as in 224, or height and width as in 224,448.`,
    );
  return shortSize([height, width]);
};

/** A number in [least, most]. */
export const number =
  (least: number, most = Number.POSITIVE_INFINITY): Reader<number> =>
  (text, flag) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || !(value >= least && value <= most)) {
      const range = most === Number.POSITIVE_INFINITY ? `of at least ${least}` : `from ${least} to ${most}`;
      throw new UsageError(`--${flag} is '${text}'; expected a number ${range}.`);
    }
    return value;
  };

export const oneOf = <const T extends string>(names: readonly T[]): Reader<T> =>
  oneCalled(Object.fromEntries(names.map((name) => [name, name])) as Record<T, T>);

/** What may have several names. */
export const oneCalled =
  <const T>(values: Readonly<Record<string, T>>): Reader<T> =>
  (text, flag) => {
    if (!Object.hasOwn(values, text)) {
      throw new UsageError(`--${flag} is '${text}'; expected one of ${Object.keys(values).join(', ')}.`);
    }
    return values[text]!;
  };
