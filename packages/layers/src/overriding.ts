/** A member to put in place of an object's own. */
export interface Override {
  readonly object: object;
  readonly member: string;
  readonly value: unknown;
}

/** `run` while each object has another member in place of its own, which it has again afterwards, whatever happens. */
export function overriding<R>(overrides: readonly Override[], run: () => R): R {
  const before = overrides.map(({ object, member }) => Object.getOwnPropertyDescriptor(object, member));
  try {
    for (const { object, member, value } of overrides) {
      Object.defineProperty(object, member, { value, configurable: true, enumerable: true, writable: true });
    }
    return run();
  } finally {
    // Backwards, should two overrides be of one member.
    for (let i = overrides.length - 1; i >= 0; i--) {
      const { object, member } = overrides[i]!;
      const own = before[i];
      if (own) Object.defineProperty(object, member, own);
      else Reflect.deleteProperty(object, member);
    }
  }
}
