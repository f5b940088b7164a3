/** The largest value of binary16, and where rounding would go beyond it. */
const LARGEST = 65504;
const BEYOND = 65520;
const LEAST_NORMAL = 2 ** -14;
const LEAST = 2 ** -24;

/**
 * float32 to the nearest IEEE 754 binary16, as bits: 1 sign, 5 exponent (bias 15), 10 fraction; ties to even.
 *
 * @param name of the tensor, for errors
 * @throws RangeError for a finite value beyond 65504
 */
export function narrowFloat16(name: string, values: Float32Array): Uint16Array {
  const exponents = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (size >= BEYOND && size !== Infinity)
      throw new RangeError(
        `Tensor "${name}" holds ${values[i]} at element ${i}, and F16 nothing beyond ${LARGEST}. Store it as F32.`,
      );
    const sign = (exponents[i]! >>> 16) & 0x8000;
    const exponent = ((exponents[i]! >>> 23) & 0xff) - 127;
    out[i] = sign | magnitude(size, exponent);
  }
  return out;
}

function magnitude(size: number, exponent: number): number {
  if (Number.isNaN(size)) return 0x7e00;
  if (size === Infinity) return 0x7c00;
  if (size < LEAST_NORMAL) return roundHalfEven(size / LEAST);
  // A fraction that is rounded up to 1 carries into the exponent.
  return ((exponent + 15) << 10) + roundHalfEven((size / 2 ** exponent - 1) * 1024);
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below + (below % 2);
  return rest > 0.5 ? below + 1 : below;
}
