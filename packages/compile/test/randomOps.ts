import * as tf from '@tensorflow/tfjs';

export type Attrs = Readonly<Record<string, unknown>>;

/** Of numbers that carry no rounding: how many binary digits they have before and after the point. */
export interface Digits {
  readonly whole: number;
  readonly fraction: number;
}

/** A value of a program that is being drawn. */
export interface Drawn {
  readonly tensor: tf.Tensor;
  /** `undefined` where rounding may differ between engines. */
  readonly digits: Digits | undefined;
  readonly leaf: boolean;
}

/** An op's arguments, by their places among the values, and its attributes. */
export interface Choice {
  readonly args: readonly number[];
  readonly attrs: Attrs;
}

/** An op: when it applies, and what it does. */
export interface Op {
  /** @returns `undefined` where no values fit */
  draw(values: readonly Drawn[], pick: (n: number) => number): Choice | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: attributes are what `draw` of the same op made
  run(args: readonly tf.Tensor[], attrs: any): tf.Tensor;
  digits(args: readonly Drawn[], result: tf.Tensor): Digits | undefined;
  readonly differentiable: boolean;
}

type Fits = (value: Drawn) => boolean;
const float: Fits = ({ tensor }) => tensor.dtype === 'float32';
const int: Fits = ({ tensor }) => tensor.dtype === 'int32';
const bool: Fits = ({ tensor }) => tensor.dtype === 'bool';
const numeric: Fits = (value) => float(value) || int(value);
const exact: Fits = ({ digits }) => digits !== undefined;
const anything: Fits = () => true;
const both =
  (...all: Fits[]): Fits =>
  (value) =>
    all.every((fits) => fits(value));
const ranked =
  (least: number, most = 6): Fits =>
  ({ tensor }) =>
    tensor.rank >= least && tensor.rank <= most;

/** A value that fits, a late one rather than an early one. */
function pickValue(values: readonly Drawn[], fits: Fits, pick: (n: number) => number): number | undefined {
  const places = values.flatMap((value, i) => (fits(value) ? [i] : []));
  if (places.length === 0) return undefined;
  return places[Math.max(pick(places.length), pick(places.length))];
}

const FLOAT_DIGITS = 22;
/** Products in TensorFlow.js are of float64. */
const INT_DIGITS = 50;

const fitting = (whole: number, fraction: number, dtype: string): Digits | undefined => {
  if (dtype === 'int32') return { whole: Math.min(whole, 31), fraction: 0 };
  return whole + fraction <= FLOAT_DIGITS ? { whole, fraction } : undefined;
};
/** The most digits of all arguments. */
const kept = (args: readonly Drawn[], more = 0, result?: tf.Tensor): Digits | undefined => {
  if (!args.every(exact)) return undefined;
  const whole = Math.max(...args.map(({ digits }) => digits!.whole)) + more;
  const fraction = Math.max(...args.map(({ digits }) => digits!.fraction));
  return fitting(whole, fraction, (result ?? args[0]!.tensor).dtype);
};
const product = (args: readonly Drawn[], more = 0): Digits | undefined => {
  if (!args.every(exact)) return undefined;
  const whole = args.reduce((sum, { digits }) => sum + digits!.whole, more);
  const fraction = args.reduce((sum, { digits }) => sum + digits!.fraction, 0);
  return fitting(whole, fraction, args[0]!.tensor.dtype);
};
const TRUTH: Digits = { whole: 1, fraction: 0 };
const logTwo = (n: number) => Math.ceil(Math.log2(Math.max(1, n)));

interface Traits {
  readonly differentiable?: boolean;
  readonly digits?: Op['digits'];
}
const traits = ({ differentiable = false, digits = () => undefined }: Traits) => ({ differentiable, digits });
const KEEPS: Traits = { differentiable: true, digits: (args, result) => kept(args, 0, result) };
const ROUNDS: Traits = { differentiable: true };

/** An op of one value. */
const unary = (fits: Fits, f: (x: tf.Tensor) => tf.Tensor, how: Traits): Op => ({
  draw: (values, pick) => {
    const x = pickValue(values, fits, pick);
    return x === undefined ? undefined : { args: [x], attrs: {} };
  },
  run: ([x]) => f(x!),
  ...traits(how),
});

/** An op of one value and what `attrs` draws for it. */
const withAttrs = <A extends Attrs>(
  fits: Fits,
  attrs: (x: tf.Tensor, pick: (n: number) => number) => A,
  f: (x: tf.Tensor, attrs: A) => tf.Tensor,
  how: Traits,
): Op => ({
  draw: (values, pick) => {
    const x = pickValue(values, fits, pick);
    return x === undefined ? undefined : { args: [x], attrs: attrs(values[x]!.tensor, pick) };
  },
  run: ([x], given: A) => f(x!, given),
  ...traits(how),
});

const broadcasts = (a: readonly number[], b: readonly number[]) => {
  for (let i = 1; i <= Math.min(a.length, b.length); i++) {
    const [m, n] = [a.at(-i)!, b.at(-i)!];
    if (m !== n && m !== 1 && n !== 1) return false;
  }
  return true;
};

/** An op of two values of one dtype that broadcast. */
const binary = (
  fits: Fits,
  f: (x: tf.Tensor, y: tf.Tensor) => tf.Tensor,
  how: Traits,
  together: (x: Drawn, y: Drawn) => boolean = () => true,
): Op => ({
  draw: (values, pick) => {
    const x = pickValue(values, fits, pick);
    if (x === undefined) return undefined;
    const first = values[x]!;
    const y = pickValue(
      values,
      (value) =>
        fits(value) &&
        value.tensor.dtype === first.tensor.dtype &&
        broadcasts(first.tensor.shape, value.tensor.shape) &&
        together(first, value),
      pick,
    );
    return y === undefined ? undefined : { args: [x, y], attrs: {} };
  },
  run: ([x, y]) => f(x!, y!),
  ...traits(how),
});

const axesOf = (x: tf.Tensor, pick: (n: number) => number): number[] | null => {
  const axes = x.shape.flatMap((_, i) => (pick(2) === 0 ? [i] : []));
  return axes.length === 0 ? null : axes;
};
const reduction = (
  fits: Fits,
  f: (x: tf.Tensor, axes: number[] | null, keepDims: boolean) => tf.Tensor,
  how: Traits,
): Op =>
  withAttrs(
    fits,
    (x, pick) => ({ axes: axesOf(x, pick) as number[] | undefined, keepDims: pick(2) === 0 }),
    (x, { axes, keepDims }) => f(x, (axes as number[] | undefined) ?? null, keepDims as boolean),
    how,
  );

const summed: Op['digits'] = (args, result) =>
  kept(args, logTwo(args[0]!.tensor.size / Math.max(1, result.size)), result);

/** At pads, what is infinite or no number meets a zero in some engines and nothing in others. */
const MOST_OF_AN_IMAGE = 1e6;
const image: Fits = both(
  float,
  ranked(4, 4),
  ({ tensor }) => tensor.size > 0 && tensor.dataSync().every((x) => Math.abs(x) < MOST_OF_AN_IMAGE),
);

/** An image and a filter for the channels that it has. */
const convolution = (
  channelsOf: (filter: tf.Tensor) => number,
  f: (x: tf.Tensor4D, filter: tf.Tensor4D, stride: number, pad: 'same' | 'valid') => tf.Tensor,
): Op => ({
  draw: (values, pick) => {
    const x = pickValue(values, image, pick);
    if (x === undefined) return undefined;
    const [, height, width, channels] = values[x]!.tensor.shape as [number, number, number, number];
    const fits = ({ tensor }: Drawn) =>
      channelsOf(tensor) === channels && tensor.shape[0] <= height && tensor.shape[1]! <= width;
    const filter = pickValue(values, both(image, fits), pick);
    if (filter === undefined) return undefined;
    return { args: [x, filter], attrs: { stride: 1 + pick(2), pad: ['same', 'valid'][pick(2)] } };
  },
  run: ([x, filter], { stride, pad }) => f(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad),
  digits: (args) => product(args, 6),
  differentiable: true,
});

/** Windows of two pixels; of one pixel, and at pads, TensorFlow.js's `cpu` has faults of its own. */
const pool = (f: (x: tf.Tensor4D, stride: number) => tf.Tensor, digits: Op['digits']): Op =>
  withAttrs(
    both(image, ({ tensor }) => tensor.shape[1]! > 1 && tensor.shape[2]! > 1),
    (_, pick) => ({ stride: 1 + pick(2) }),
    (x, { stride }) => f(x as tf.Tensor4D, stride),
    { differentiable: true, digits },
  );

/** Numbers that an op takes besides tensors. */
const NUMBERS = [0, 1, -1, 0.5, -2, 3];

export const OPS: Readonly<Record<string, Op>> = {
  add: binary(numeric, tf.add, { ...KEEPS, digits: (args) => kept(args, 1) }),
  sub: binary(numeric, tf.sub, { ...KEEPS, digits: (args) => kept(args, 1) }),
  mul: binary(
    numeric,
    tf.mul,
    { ...KEEPS, digits: (args) => product(args) },
    (x, y) => float(x) || x.digits!.whole + y.digits!.whole <= INT_DIGITS,
  ),
  maximum: binary(numeric, tf.maximum, KEEPS),
  minimum: binary(numeric, tf.minimum, KEEPS),
  squaredDifference: binary(float, tf.squaredDifference, ROUNDS),
  // The sign of a zero may be another one, but for a leaf's.
  divByLeaf: binary(float, tf.div, ROUNDS, (_, y) => y.leaf),
  div: binary(float, (x, y) => tf.div(x, y.abs().add(0.5)), ROUNDS),
  addNumber: withAttrs(
    numeric,
    (x, pick) => ({ n: x.dtype === 'int32' ? pick(7) - 3 : NUMBERS[pick(NUMBERS.length)]! }),
    (x, { n }) => x.add(tf.scalar(n, x.dtype as 'float32')),
    { ...KEEPS, digits: (args) => kept(args, 2) },
  ),
  mulNumber: withAttrs(
    numeric,
    (x, pick) => ({ n: x.dtype === 'int32' ? pick(7) - 3 : NUMBERS[pick(NUMBERS.length)]! }),
    (x, { n }) => x.mul(tf.scalar(n, x.dtype as 'float32')),
    {
      ...KEEPS,
      digits: ([x]) => x!.digits && fitting(x!.digits.whole + 2, x!.digits.fraction + 1, x!.tensor.dtype),
    },
  ),
  floorDiv: withAttrs(
    int,
    (_, pick) => ({ n: pick(7) - 3 }),
    (x, { n }) => x.floorDiv(tf.scalar(n, 'int32')),
    { digits: (args) => kept(args) },
  ),
  mod: withAttrs(
    int,
    (_, pick) => ({ n: pick(7) - 3 }),
    (x, { n }) => x.mod(tf.scalar(n, 'int32')),
    { digits: (args) => kept(args) },
  ),
  neg: unary(numeric, tf.neg, KEEPS),
  // Of whole numbers TensorFlow.js's `cpu` makes float32 on the way.
  abs: unary((value) => float(value) || (int(value) && value.digits!.whole < 24), tf.abs, KEEPS),
  relu: unary(numeric, tf.relu, KEEPS),
  relu6: unary(float, tf.relu6, { ...KEEPS, digits: ([x]) => kept([x!], 3) }),
  clip: withAttrs(
    numeric,
    (_, pick) => ({ low: -pick(4), high: pick(4) }),
    (x, { low, high }) => x.clipByValue(low, high),
    { ...KEEPS, digits: ([x]) => kept([x!], 2) },
  ),
  square: unary(float, tf.square, { ...KEEPS, digits: ([x]) => product([x!, x!]) }),
  exp: unary(float, (x) => x.minimum(20).exp(), ROUNDS),
  expOfAny: unary(float, tf.exp, ROUNDS),
  expm1: unary(float, (x) => x.minimum(20).expm1(), ROUNDS),
  log: unary(float, (x) => x.abs().add(0.5).log(), ROUNDS),
  logOfLeaf: unary(({ tensor, leaf }) => leaf && tensor.dtype === 'float32', tf.log, ROUNDS),
  log1p: unary(float, (x) => x.relu().log1p(), ROUNDS),
  sqrt: unary(float, (x) => x.abs().sqrt(), { differentiable: false }),
  rsqrt: unary(float, (x) => x.abs().add(0.5).rsqrt(), ROUNDS),
  sigmoid: unary(float, tf.sigmoid, ROUNDS),
  tanh: unary(float, tf.tanh, ROUNDS),
  softplus: unary(float, tf.softplus, ROUNDS),
  elu: unary(float, tf.elu, ROUNDS),
  selu: unary(float, tf.selu, ROUNDS),
  leakyRelu: unary(float, (x) => tf.leakyRelu(x, 0.25), ROUNDS),
  sin: unary(float, tf.sin, ROUNDS),
  // TensorFlow.js's `cpu` approximates it to 1.5e-7, which near zero is much of it.
  erf: unary(float, (x) => x.abs().add(1).erf(), ROUNDS),
  pow: unary(float, (x) => x.abs().add(0.5).pow(1.5), ROUNDS),
  softmax: unary(both(float, ranked(1)), (x) => tf.softmax(x), ROUNDS),
  logSoftmax: unary(both(float, ranked(1)), (x) => tf.logSoftmax(x), ROUNDS),
  logSumExp: reduction(float, (x, axes, keepDims) => tf.logSumExp(x, axes as number[], keepDims), ROUNDS),
  floor: unary(both(float, exact), tf.floor, { digits: ([x]) => kept([x!], 1) }),
  ceil: unary(both(float, exact), tf.ceil, { digits: ([x]) => kept([x!], 1) }),
  round: unary(both(float, exact), tf.round, { digits: ([x]) => kept([x!], 1) }),
  sign: unary(both(float, exact), tf.sign, { digits: () => TRUTH }),
  step: unary(both(float, exact), (x) => tf.step(x, 0.5), { digits: () => ({ whole: 1, fraction: 1 }) }),
  isNaN: unary(both(float, exact), tf.isNaN, { digits: () => TRUTH }),
  isFinite: unary(both(float, exact), tf.isFinite, { digits: () => TRUTH }),
  isInf: unary(both(float, exact), tf.isInf, { digits: () => TRUTH }),
  greater: binary(both(numeric, exact), tf.greater, { digits: () => TRUTH }),
  greaterEqual: binary(both(numeric, exact), tf.greaterEqual, { digits: () => TRUTH }),
  less: binary(both(numeric, exact), tf.less, { digits: () => TRUTH }),
  lessEqual: binary(both(numeric, exact), tf.lessEqual, { digits: () => TRUTH }),
  equal: binary(both(anything, exact), tf.equal, { digits: () => TRUTH }),
  notEqual: binary(both(anything, exact), tf.notEqual, { digits: () => TRUTH }),
  logicalAnd: binary(bool, tf.logicalAnd, { digits: () => TRUTH }),
  logicalOr: binary(bool, tf.logicalOr, { digits: () => TRUTH }),
  logicalXor: binary(bool, tf.logicalXor, { digits: () => TRUTH }),
  logicalNot: unary(bool, tf.logicalNot, { digits: () => TRUTH }),
  any: reduction(bool, (x, axes, keepDims) => tf.any(x, axes as number[], keepDims), { digits: () => TRUTH }),
  all: reduction(bool, (x, axes, keepDims) => tf.all(x, axes as number[], keepDims), { digits: () => TRUTH }),
  where: {
    draw: (values, pick) => {
      const x = pickValue(values, numeric, pick);
      if (x === undefined) return undefined;
      const { shape, dtype } = values[x]!.tensor;
      const same = (value: Drawn) => `${value.tensor.shape}` === `${shape}`;
      const y = pickValue(values, (value) => same(value) && value.tensor.dtype === dtype, pick);
      const condition = pickValue(values, (value) => same(value) && bool(value), pick);
      return condition === undefined ? undefined : { args: [condition, x, y!], attrs: {} };
    },
    run: ([condition, x, y]) => tf.where(condition as tf.Tensor<tf.Rank>, x!, y!),
    digits: (args) => kept(args.slice(1)),
    differentiable: true,
  },
  toFloat: unary(anything, (x) => x.toFloat(), {
    digits: ([x], result) => kept([x!], 0, result),
  }),
  toBool: unary(both(numeric, exact), (x) => x.cast('bool'), { digits: () => TRUTH }),
  toInt: unary(
    both(anything, exact),
    (x) =>
      x.dtype === 'float32'
        ? tf.where(x.isNaN(), tf.zerosLike(x), x).clipByValue(-99, 99).toInt()
        : x.toInt(),
    { digits: ([x]) => ({ whole: Math.min(31, x!.digits!.whole), fraction: 0 }) },
  ),
  sum: reduction(anything, (x, axes, keepDims) => tf.sum(x, axes as number[], keepDims), {
    differentiable: true,
    digits: summed,
  }),
  mean: reduction(numeric, (x, axes, keepDims) => tf.mean(x, axes as number[], keepDims), ROUNDS),
  max: reduction(numeric, (x, axes, keepDims) => tf.max(x, axes as number[], keepDims), KEEPS),
  min: reduction(numeric, (x, axes, keepDims) => tf.min(x, axes as number[], keepDims), KEEPS),
  prod: reduction(float, (x, axes, keepDims) => tf.prod(x, axes as number[], keepDims), {}),
  argMax: withAttrs(
    both(anything, exact, ranked(1)),
    (x, pick) => ({ axis: pick(2 * x.rank) - x.rank }),
    (x, { axis }) => x.argMax(axis),
    { digits: () => ({ whole: 4, fraction: 0 }) },
  ),
  argMin: withAttrs(
    both(anything, exact, ranked(1)),
    (x, pick) => ({ axis: pick(x.rank) }),
    (x, { axis }) => x.argMin(axis),
    { digits: () => ({ whole: 4, fraction: 0 }) },
  ),
  cumsum: withAttrs(
    both(numeric, ranked(1)),
    (x, pick) => ({ axis: pick(x.rank), exclusive: pick(2) === 0, reverse: pick(2) === 0 }),
    (x, { axis, exclusive, reverse }) => x.cumsum(axis, exclusive, reverse),
    { differentiable: true, digits: (args, result) => kept(args, logTwo(result.size), result) },
  ),
  matMul: {
    draw: (values, pick) => {
      const matrix = both(float, ranked(2, 3));
      const x = pickValue(values, matrix, pick);
      if (x === undefined) return undefined;
      const transposeA = pick(3) === 0;
      const transposeB = pick(2) === 0;
      const left = values[x]!.tensor.shape;
      const inner = left.at(transposeA ? -2 : -1);
      const y = pickValue(
        values,
        (value) =>
          matrix(value) &&
          value.tensor.shape.at(transposeB ? -1 : -2) === inner &&
          (value.tensor.rank === 2 || left.length === 2 || value.tensor.shape[0] === left[0]),
        pick,
      );
      return y === undefined ? undefined : { args: [x, y], attrs: { transposeA, transposeB } };
    },
    run: ([x, y], { transposeA, transposeB }) => tf.matMul(x!, y!, transposeA, transposeB),
    digits: (args) => product(args, 3),
    differentiable: true,
  },
  conv2d: convolution(
    ({ shape }) => shape[2]!,
    (x, filter, stride, pad) => tf.conv2d(x, filter, stride, pad),
  ),
  depthwiseConv2d: convolution(
    ({ shape }) => shape[2]!,
    (x, filter, stride, pad) => tf.depthwiseConv2d(x, filter, stride, pad),
  ),
  conv2dTranspose: convolution(
    ({ shape }) => shape[3]!,
    (x, filter, stride) => {
      const [n, height, width] = x.shape;
      return tf.conv2dTranspose(
        x,
        filter,
        [n, height * stride, width * stride, filter.shape[2]],
        stride as 1,
        'same',
      );
    },
  ),
  maxPool: pool(
    (x, stride) => tf.maxPool(x, 2, stride as 1, 'valid'),
    (args) => kept(args),
  ),
  avgPool: pool(
    (x, stride) => tf.avgPool(x, 2, stride as 1, 'valid'),
    () => undefined,
  ),
  moments: withAttrs(
    both(float, ranked(2)),
    (_, pick) => ({ which: pick(2) }),
    (x, { which }) => {
      const { mean, variance } = tf.moments(x, [...x.shape.keys()].slice(0, -1), true);
      return which === 0 ? x.sub(mean).mul(variance.add(0.5).rsqrt()) : variance;
    },
    ROUNDS,
  ),
  transpose: withAttrs(
    ranked(2),
    (x, pick) => {
      const left = x.shape.map((_, i) => i);
      return { perm: x.shape.map(() => left.splice(pick(left.length), 1)[0]!) };
    },
    (x, { perm }) => x.transpose(perm),
    KEEPS,
  ),
  reshape: withAttrs(
    anything,
    (x, pick) => {
      const flat = [x.size];
      const halves = x.size % 2 === 0 ? [2, x.size / 2] : [1, x.size];
      return { shape: [flat, halves, [x.size, 1], [...x.shape, 1], [1, ...x.shape]][pick(5)]! };
    },
    (x, { shape }) => x.reshape(shape),
    KEEPS,
  ),
  slice: withAttrs(
    ranked(1),
    (x, pick) => {
      const begin = x.shape.map((dim) => pick(Math.max(1, dim)));
      return { begin, size: x.shape.map((dim, i) => (pick(4) === 0 ? -1 : pick(dim - begin[i]! + 1))) };
    },
    (x, { begin, size }) => x.slice(begin, size),
    KEEPS,
  ),
  stridedSlice: withAttrs(
    ranked(1, 4),
    (x, pick) => {
      const strides = x.shape.map(() => [1, 2, -1, -2][pick(4)]!);
      return {
        begin: x.shape.map((dim, i) => (strides[i]! > 0 ? 0 : dim - 1)),
        end: x.shape.map((dim, i) => (strides[i]! > 0 ? dim : -dim - 1)),
        strides,
      };
    },
    (x, { begin, end, strides }) => x.stridedSlice(begin, end, strides),
    { ...KEEPS, differentiable: false },
  ),
  concat: {
    draw: (values, pick) => {
      const x = pickValue(values, ranked(1), pick);
      if (x === undefined) return undefined;
      const { shape, dtype } = values[x]!.tensor;
      const axis = pick(shape.length);
      const y = pickValue(
        values,
        ({ tensor }) =>
          tensor.dtype === dtype &&
          tensor.rank === shape.length &&
          tensor.shape.every((dim, i) => i === axis || dim === shape[i]),
        pick,
      );
      return { args: [x, y!], attrs: { axis } };
    },
    run: (args, { axis }) => tf.concat([...args], axis),
    digits: (args) => kept(args),
    differentiable: true,
  },
  stack: {
    draw: (values, pick) => {
      const x = pickValue(values, ranked(0, 3), pick);
      if (x === undefined) return undefined;
      const { shape, dtype } = values[x]!.tensor;
      const y = pickValue(
        values,
        ({ tensor }) => tensor.dtype === dtype && `${tensor.shape}` === `${shape}`,
        pick,
      );
      return { args: [x, y!], attrs: { axis: pick(shape.length + 1) } };
    },
    run: (args, { axis }) => tf.stack([...args], axis),
    digits: (args) => kept(args),
    differentiable: true,
  },
  unstack: withAttrs(
    ({ tensor }) => tensor.rank > 0 && tensor.shape[0] > 0,
    (x, pick) => ({ which: pick(x.shape[0]) }),
    (x, { which }) => tf.unstack(x)[which]!,
    KEEPS,
  ),
  pad: withAttrs(
    both(numeric, ranked(1, 4)),
    (x, pick) => ({
      paddings: x.shape.map(() => [pick(2), pick(2)] as [number, number]),
      value: [0, 2, -1][pick(3)]!,
    }),
    (x, { paddings, value }) => x.pad(paddings, value),
    { ...KEEPS, digits: (args) => kept(args, 2) },
  ),
  tile: withAttrs(
    ranked(1, 4),
    (x, pick) => ({ reps: x.shape.map(() => 1 + pick(2)) }),
    (x, { reps }) => x.tile(reps),
    KEEPS,
  ),
  reverse: withAttrs(
    ranked(0, 4),
    (x, pick) => ({ axes: axesOf(x, pick) as number[] | undefined }),
    (x, { axes }) => x.reverse((axes as number[] | null) ?? undefined),
    KEEPS,
  ),
  expandDims: withAttrs(
    ranked(0, 3),
    (x, pick) => ({ axis: pick(x.rank + 1) }),
    (x, { axis }) => x.expandDims(axis),
    KEEPS,
  ),
  squeeze: unary(anything, (x) => x.squeeze(), KEEPS),
  gather: withAttrs(
    ({ tensor }) => tensor.rank > 0 && tensor.size > 0,
    (x, pick) => {
      const axis = pick(x.rank);
      return { axis, indices: Array.from({ length: pick(4) }, () => pick(x.shape[axis]!)) };
    },
    (x, { axis, indices }) => x.gather(tf.tensor1d(indices as number[], 'int32'), axis),
    KEEPS,
  ),
  oneHot: unary(
    ({ tensor, digits }) => tensor.dtype === 'int32' && tensor.rank > 0 && digits!.whole < 9,
    (x) => tf.oneHot(x as tf.Tensor1D, 3),
    { digits: () => TRUTH },
  ),
  fused: {
    draw: (values, pick) => {
      const matrix = both(float, ranked(2, 2));
      const x = pickValue(values, matrix, pick);
      if (x === undefined) return undefined;
      const inner = values[x]!.tensor.shape[1];
      const y = pickValue(values, (value) => matrix(value) && value.tensor.shape[0] === inner, pick);
      if (y === undefined) return undefined;
      const width = values[y]!.tensor.shape[1];
      const bias = pickValue(
        values,
        ({ tensor }) => tensor.dtype === 'float32' && `${tensor.shape}` === `${width}`,
        pick,
      );
      const activation = ['linear', 'relu', 'relu6', 'sigmoid', 'elu'][pick(5)]!;
      return { args: bias === undefined ? [x, y] : [x, y, bias], attrs: { activation } };
    },
    run: ([a, b, bias], { activation }) =>
      tf.fused.matMul({ a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias: bias as tf.Tensor1D, activation }),
    digits: () => undefined,
    differentiable: true,
  },
};
