/**
 * Random programs as plain data: tensors to begin with, then ops over earlier values, with a state over several steps.
 * What two correct engines may compute differently is left out: whole numbers and truth values are only made of floats
 * that carry no rounding, so that all of them can be compared exactly.
 */
import type { HostTensor } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { f32, i32, tensorOf, u8 } from './hostTensors';
import { type Attrs, type Digits, type Drawn, OPS } from './randomOps';

/** A tensor that a program begins with. */
export interface Leaf {
  readonly kind: 'state' | 'input' | 'constant';
  readonly dtype: 'float32' | 'int32' | 'bool';
  readonly shape: readonly number[];
  readonly numbers: readonly number[];
}

/** One op on earlier values, by their places. */
export interface Line {
  readonly op: string;
  readonly args: readonly number[];
  readonly attrs: Attrs;
  /** Whether engines may round it differently. */
  readonly rounds: boolean;
  /** Of `gradient`: what leads from its argument to what is differentiated. It may use all values before it. */
  readonly body?: readonly Line[];
}

export interface RandomProgram {
  /** The first values. */
  readonly leaves: readonly Leaf[];
  readonly lines: readonly Line[];
  /** The values that come out. */
  readonly outputs: readonly number[];
  /** For each leaf that is a state, the value that takes its place. */
  readonly next: readonly (readonly [leaf: number, value: number])[];
}

const SHAPES: readonly (readonly number[])[] = [
  [],
  [1],
  [2],
  [3],
  [4],
  [2, 2],
  [2, 2],
  [3, 3],
  [3, 3],
  [2, 3],
  [3, 2],
  [1, 3],
  [2, 1],
  [1, 1],
  [2, 2, 2],
  [2, 3, 2],
  [1, 3, 3, 2],
  [2, 4, 4, 2],
  [2, 2, 2, 2],
  [1, 1, 2, 2],
  [2, 2, 2, 1],
  [0],
  [0, 2],
  [2, 0],
];
const SPECIAL = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0];
/** Beyond the whole numbers that float32 holds. */
const LARGE = [16777216, 16777217, -16777217, 33554433, 123456789, 2147483647, -2147483648];
/** Of a float leaf: quarters between -4 and 4. */
const LEAF_DIGITS: Digits = { whole: 3, fraction: 2 };

interface RawLeaf {
  readonly kind: Leaf['kind'];
  readonly dtype: Leaf['dtype'];
  readonly shape: number;
  readonly seed: number;
  readonly special: boolean;
  readonly like: number;
}

/** Numbers below n from a seed. */
function picker(seed: number): (n: number) => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return (n) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0;
    return n <= 0 ? 0 : ((state ^ (state >>> 13)) >>> 3) % n;
  };
}

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

const numbersOf = (dtype: Leaf['dtype'], size: number, seed: number, special: boolean): number[] => {
  const pick = picker(seed);
  return Array.from({ length: size }, () => {
    if (dtype === 'bool') return pick(2);
    if (dtype === 'int32') return special && pick(2) === 0 ? LARGE[pick(LARGE.length)]! : pick(9) - 3;
    return special && pick(3) === 0 ? SPECIAL[pick(SPECIAL.length)]! : (pick(33) - 16) / 4;
  });
};

/** A constant may be equal to an earlier one, or be it transposed. */
function leafOf(raw: RawLeaf, earlier: readonly Leaf[]): Leaf {
  const kind = raw.dtype === 'bool' ? 'constant' : raw.kind;
  const constants = earlier.filter((leaf) => leaf.kind === 'constant');
  const like = constants[raw.seed % Math.max(1, constants.length)];
  if (kind === 'constant' && like && raw.like === 1) return like;
  if (kind === 'constant' && like?.shape.length === 2 && raw.like === 2) {
    const [rows, columns] = like.shape as [number, number];
    const numbers = like.numbers.map((_, i) => like.numbers[(i % rows) * columns + Math.floor(i / rows)]!);
    return { ...like, shape: [columns, rows], numbers };
  }
  const shape = SHAPES[raw.shape]!;
  return {
    kind,
    dtype: raw.dtype,
    shape,
    numbers: numbersOf(raw.dtype, sizeOf(shape), raw.seed, raw.special),
  };
}

const HOSTS = { float32: f32, int32: i32, bool: u8 } as const;
export const hostOf = ({ dtype, shape, numbers }: Leaf): HostTensor => HOSTS[dtype](numbers, shape);
const tensorOfLeaf = (leaf: Leaf) => tensorOf(hostOf(leaf));
/** A leaf as a constant: floats that are whole numbers are cast from these, and share their data. */
export function constantOf(leaf: Leaf): tf.Tensor {
  const isWhole = leaf.numbers.every((number) => Number.isInteger(number) && !Object.is(number, -0));
  if (leaf.dtype !== 'float32' || !isWhole) return tensorOfLeaf(leaf);
  return tf.tidy(() =>
    tensorOfLeaf({ ...leaf, dtype: 'int32', shape: [leaf.numbers.length] })
      .toFloat()
      .reshape([...leaf.shape]),
  );
}
const MOST_NUMBERS = 1024;
const names = [...Object.keys(OPS), 'gradient', 'gradient', 'gradient'];
const differentiable = Object.keys(OPS).filter((name) => OPS[name]!.differentiable);

/** A line that fits the values, and its result; `undefined` where there is none. */
function drawLine(
  values: readonly Drawn[],
  numbers: readonly (readonly number[])[],
  among: readonly string[],
): { line: Line; value: Drawn } | undefined {
  const [choices, ...more] = numbers;
  const pick = picker(choices![1]!);
  const op = among[choices![0]! % among.length]!;
  if (op === 'gradient') return drawGradient(values, more.slice(0, 1 + pick(5)), pick);
  const choice = OPS[op]!.draw(values, pick);
  if (!choice) return undefined;
  try {
    const given = choice.args.map((i) => values[i]!);
    const tensor = OPS[op]!.run(
      given.map((value) => value.tensor),
      choice.attrs,
    );
    const sound = tensor.size <= MOST_NUMBERS && tensor.rank <= 5 && tensor.dtype in HOSTS;
    if (!sound) return undefined;
    const digits = OPS[op]!.digits(given, tensor);
    // Only floats round, and what they are turned into is exact.
    const rounds = tensor.dtype === 'float32' && digits === undefined;
    if (tensor.dtype !== 'float32' && digits === undefined) return undefined;
    return { line: { op, ...choice, rounds }, value: { tensor, digits, leaf: false } };
  } catch {
    return undefined; // TensorFlow.js refuses it.
  }
}

function drawGradient(
  values: readonly Drawn[],
  numbers: readonly (readonly number[])[],
  pick: (n: number) => number,
  of?: number,
): { line: Line; value: Drawn } | undefined {
  const places = values.flatMap(({ tensor }, i) => (tensor.dtype === 'float32' ? [i] : []));
  const x = of ?? places[Math.max(pick(places.length), pick(places.length))];
  if (x === undefined) return undefined;
  const inside = [...values];
  const body: Line[] = [];
  for (const one of numbers) {
    const drawn = drawLine(inside, [one], differentiable);
    if (!drawn) continue;
    body.push(drawn.line);
    inside.push(drawn.value);
  }
  const line: Line = { op: 'gradient', args: [x], attrs: {}, rounds: true, body };
  try {
    const tensor = runLine(
      line,
      values.map(({ tensor }) => tensor),
      plainly,
    );
    return { line, value: { tensor, digits: undefined, leaf: false } };
  } catch {
    return undefined;
  }
}

/** What each line is run inside of. */
export type Around = <R>(rounds: boolean, run: () => R) => R;
const plainly: Around = (_, run) => run();

function runLine(line: Line, values: readonly tf.Tensor[], around: Around): tf.Tensor {
  if (line.op !== 'gradient') {
    const given = line.args.map((i) => values[i]!);
    return around(line.rounds, () => OPS[line.op]!.run(given, line.attrs));
  }
  const [place] = line.args as [number];
  const gradient = tf.grad((x) => {
    const inside = [...values];
    inside[place] = x;
    for (const one of line.body!) inside.push(runLine(one, inside, around));
    const last = inside.findLast(({ dtype }) => dtype === 'float32')!;
    // Weights, so that what is summed does not cancel, and x itself, on which the rest may not depend.
    const weights = tf.range(1, last.size + 1, 1, 'float32').reshape(last.shape);
    return last.mul(weights).sum().add(x.sum()) as tf.Scalar;
  });
  return around(true, () => gradient(values[place]!));
}

function draw(raw: { leaves: readonly RawLeaf[]; lines: readonly (readonly number[])[] }): RandomProgram {
  tf.setBackend('cpu');
  return tf.tidy(() => {
    const leaves: Leaf[] = [];
    for (const leaf of raw.leaves) leaves.push(leafOf(leaf, leaves));
    const values: Drawn[] = leaves.map((leaf) => ({
      tensor: tensorOfLeaf(leaf),
      leaf: true,
      digits: digitsOf(leaf),
    }));
    const lines: Line[] = [];
    raw.lines.forEach((_, i) => {
      const drawn = drawLine(values, raw.lines.slice(i), names);
      if (!drawn) return;
      lines.push(drawn.line);
      values.push(drawn.value);
    });
    // A float state descends the gradient of something; another one becomes a value that happens to have its form.
    const descent = leaves.flatMap(({ kind, dtype }, i) => {
      if (kind !== 'state' || dtype !== 'float32') return [];
      const numbers = raw.lines.map(([a, b]) => [a! + i, b! ^ i]);
      const drawn = drawGradient(values, numbers.slice(0, 3), () => 0, i);
      if (!drawn) return [];
      lines.push(drawn.line);
      values.push(drawn.value);
      const args = [i, values.length - 1];
      const tensor = tf.sub(values[i]!.tensor, drawn.value.tensor);
      lines.push({ op: 'sub', args, attrs: {}, rounds: true });
      values.push({ tensor, digits: undefined, leaf: false });
      return [[i, values.length - 1] as const];
    });
    const used = new Set(lines.flatMap(placesIn));
    const last = values.flatMap((_, i) => (i >= leaves.length && !used.has(i) ? [i] : [])).slice(-4);
    const next = leaves.flatMap(({ kind, dtype, shape }, i) => {
      if (kind !== 'state') return [];
      const fits = ({ tensor, leaf }: Drawn) =>
        !leaf && tensor.dtype === dtype && `${tensor.shape}` === `${shape}`;
      const value = new Map(descent).get(i) ?? values.findLastIndex(fits);
      return [[i, value < 0 ? i : value] as const];
    });
    return {
      leaves,
      lines,
      outputs: last.length > 0 ? last : [0],
      next,
    } as unknown as tf.TensorContainerObject;
  }) as unknown as RandomProgram;
}

const placesIn = (line: Line): number[] => [...line.args, ...(line.body ?? []).flatMap(placesIn)];

/** A state changes from step to step, to anything. */
function digitsOf({ kind, dtype, numbers }: Leaf): Digits | undefined {
  if (dtype === 'bool') return { whole: 1, fraction: 0 };
  if (dtype === 'int32') {
    const large = kind === 'state' || numbers.some((number) => Math.abs(number) > 8);
    return { whole: large ? 31 : 4, fraction: 0 };
  }
  return kind === 'state' ? undefined : LEAF_DIGITS;
}

/** Any program, with at most so many lines. */
export const randomPrograms = (most = 14): fc.Arbitrary<RandomProgram> =>
  fc
    .record({
      leaves: fc.array(
        fc.record({
          kind: fc.constantFrom('state' as const, 'input' as const, 'constant' as const, 'constant' as const),
          dtype: fc.constantFrom(
            'float32' as const,
            'float32' as const,
            'float32' as const,
            'int32' as const,
            'bool' as const,
          ),
          shape: fc.nat(SHAPES.length - 1),
          seed: fc.nat(2 ** 30),
          special: fc.boolean(),
          like: fc.nat(3),
        }),
        { minLength: 2, maxLength: 7 },
      ),
      lines: fc.array(fc.array(fc.nat(2 ** 30), { minLength: 2, maxLength: 2 }), {
        minLength: 1,
        maxLength: most,
      }),
    })
    .map(draw);

/**
 * Computes a program's outputs and next state.
 *
 * @param given the tensors of its leaves
 * @param around what each line is run inside of, told whether engines may round it differently
 */
export function runRandomProgram(
  { lines, outputs, next }: RandomProgram,
  given: readonly tf.Tensor[],
  around: Around = plainly,
): { outputs: Record<string, tf.Tensor>; state: Record<string, tf.Tensor> } {
  const values = [...given];
  for (const line of lines) values.push(runLine(line, values, around));
  return {
    outputs: Object.fromEntries(outputs.map((value) => [`v${value}`, values[value]!])),
    state: Object.fromEntries(next.map(([leaf, value]) => [`v${leaf}`, values[value]!])),
  };
}

/** The program in lines of text. */
export function showRandomProgram({ leaves, lines, outputs, next }: RandomProgram): string {
  const show = (number: number) => (Object.is(number, -0) ? '-0' : String(number));
  const text = (body: readonly Line[], first: number, indent: string): string[] =>
    body.flatMap(({ op, args, attrs, body: inner }, i) => [
      `${indent}v${first + i} = ${op}(${args.map((arg) => `v${arg}`).join(', ')})${Object.keys(attrs).length > 0 ? ` ${JSON.stringify(attrs)}` : ''}`,
      ...(inner ? text(inner, first + i, `${indent}  `) : []),
    ]);
  return [
    ...leaves.map(
      ({ kind, dtype, shape, numbers }, i) =>
        `v${i} = ${kind} ${dtype} [${shape}] ${numbers.map(show).join(' ')}`,
    ),
    ...text(lines, leaves.length, ''),
    `outputs ${outputs.map((value) => `v${value}`).join(', ')}`,
    ...next.map(([leaf, value]) => `v${leaf} becomes v${value}`),
  ].join('\n');
}
