/** @throws RangeError for the first value that is no integer of at least its `least` */
export function assertIntegers(
  options: readonly (readonly [name: string, value: number, least: number])[],
): void {
  for (const [name, value, least] of options) {
    if (!Number.isSafeInteger(value) || value < least) {
      throw new RangeError(`${name} is ${value}; expected an integer of at least ${least}.`);
    }
  }
}
