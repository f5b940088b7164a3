/**
 * A number for people: about `digits` significant digits, thousands set apart by a narrow space, a true minus, powers of
 * ten for the very large and the very small; `n/a` where it is not finite.
 */
export function formatNumber(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return 'n/a';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const sign = value < 0 ? '\u2212' : '';
  if (size >= 1e9 || size < 1e-4) return sign + scientific(size, digits);
  if (Number.isInteger(value) || size >= 10 ** (digits - 1)) return sign + grouped(Math.round(size));
  return sign + String(Number(size.toPrecision(digits)));
}

function scientific(size: number, digits: number): string {
  const [mantissa, exponent] = size.toExponential(digits - 1).split('e');
  const power = `10${superscript(Number(exponent))}`;
  return Number(mantissa) === 1 ? power : `${Number(mantissa)}\u00B7${power}`;
}

function superscript(exponent: number): string {
  const digits = [...String(Math.abs(exponent))].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]!).join('');
  return exponent < 0 ? `\u207B${digits}` : digits;
}

// Four digits stay together, as in print.
function grouped(size: number): string {
  const digits = String(size);
  return digits.length <= 4 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, '\u202F');
}

/** A length of time in its two largest units: `8.2 s`, `9 min 41 s`, `3 h 5 min`; `n/a` where it is not finite. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'n/a';
  if (seconds < 60) return `${formatNumber(seconds, 2)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${grouped(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}
