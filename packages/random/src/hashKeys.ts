const scratch = new DataView(new ArrayBuffer(8));

/** MurmurHash3's 32-bit finalizer: a bijection in which every input bit moves every output bit. */
function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * Hashes a tuple of keys into 128 bits that are never all zero.
 *
 * The words that are absorbed spell the tuple without ambiguity (a type tag, then eight bytes of a number or
 * the length and code units of a string), and each step is a bijection of the 128-bit state, so two tuples
 * collide only by chance, at about 2^-128.
 *
 * @throws RangeError when there is no key, or a number is NaN or infinite.
 */
export function hashKeys(keys: readonly (number | string)[]): Int32Array {
  if (keys.length === 0) {
    throw new RangeError('createRandom() needs at least one key: a seed, such as createRandom(42).');
  }
  // Digits of pi: any constants without structure do.
  let a = 0x243f6a88;
  let b = 0x85a308d3;
  let c = 0x13198a2e;
  let d = 0x03707344;
  const absorb = (word: number): void => {
    a = mix(a ^ word);
    b = mix((b + a) | 0);
    c = mix(c ^ b);
    d = mix((d + c) | 0);
    a = (a + d) | 0;
  };
  for (const key of keys) {
    if (typeof key === 'number') {
      if (!Number.isFinite(key)) {
        throw new RangeError(`A key of createRandom must be a finite number or a string, not ${key}.`);
      }
      // Adding 0 turns -0 into 0: the two are the same key to every reader.
      scratch.setFloat64(0, key + 0);
      absorb(1);
      absorb(scratch.getInt32(0));
      absorb(scratch.getInt32(4));
    } else if (typeof key === 'string') {
      absorb(2);
      absorb(key.length);
      for (let i = 0; i < key.length; i++) absorb(key.charCodeAt(i));
    } else {
      throw new TypeError(`A key of createRandom must be a finite number or a string, not ${String(key)}.`);
    }
  }
  // Two empty rounds let the last word reach all of the state; `| 1` keeps xoshiro off its zero state.
  absorb(keys.length);
  absorb(0);
  const state = new Int32Array(4);
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d | 1;
  return state;
}
