/** What treats every element alike. Operands broadcast, as NumPy has them. */
import { type ArithmeticOp, type ComparisonOp, forAll, type UnaryOp } from '../../../graph/ops';
import type { Lowering, LoweringWriter, XlaOp } from './lowering';
import type { Ref } from './writer';

/** Ops that StableHLO has; those of CHLO are written out by the compiler. */
const UNARY = {
  Neg: 'negate',
  Abs: 'abs',
  Exp: 'exponential',
  Log: 'log',
  Sqrt: 'sqrt',
  Erf: 'chlo.erf',
  Tanh: 'tanh',
  Sigmoid: 'logistic',
  Sign: 'sign',
  Floor: 'floor',
  Ceil: 'ceil',
  Round: 'round_nearest_even',
  Not: 'not',
  Sin: 'sine',
  Cos: 'cosine',
  Tan: 'tan',
  Asin: 'chlo.asin',
  Acos: 'chlo.acos',
  Sinh: 'chlo.sinh',
  Cosh: 'chlo.cosh',
  Asinh: 'chlo.asinh',
  Acosh: 'chlo.acosh',
  Atanh: 'chlo.atanh',
} as const satisfies { readonly [K in UnaryOp]?: string };

const BINARY = {
  Add: 'add',
  Sub: 'subtract',
  Mul: 'multiply',
  Mod: 'remainder',
  Pow: 'power',
  Max: 'maximum',
  Min: 'minimum',
  And: 'and',
  Or: 'or',
  BitwiseAnd: 'and',
} as const satisfies { readonly [K in ArithmeticOp]?: string };

const DIRECTIONS = {
  Greater: 'GT',
  GreaterOrEqual: 'GE',
  Less: 'LT',
  LessOrEqual: 'LE',
  Equal: 'EQ',
} as const satisfies Record<ComparisonOp, string>;

const unary: Lowering<keyof typeof UNARY> = ({ op }, [x], w) => w.emit(UNARY[op], [x], x);
const binary: Lowering<keyof typeof BINARY> = ({ op, outputs: [{ shape }] }, operands, w) => {
  const [a, b] = operands.map((x) => w.broadcast(x, shape));
  return w.emit(BINARY[op], [a as Ref, b as Ref], a as Ref);
};
const comparison: Lowering<ComparisonOp> = ({ op, outputs: [{ shape }] }, [a, b], w) =>
  w.compare(DIRECTIONS[op], w.broadcast(a, shape), w.broadcast(b, shape));

const like = (x: Ref, value: number, w: LoweringWriter) => w.filled(value, x);

/** Of int32 towards zero, and 0 where the divisor is. */
const divide: Lowering<'Div'> = ({ outputs: [{ shape }] }, [x, y], w) => {
  const [a, b] = [w.broadcast(x, shape), w.broadcast(y, shape)];
  const quotient = w.emit('divide', [a, b], a);
  if (a.dtype !== 'int32') return quotient;
  return w.select(w.compare('EQ', b, like(b, 0, w)), like(a, 0, w), quotient);
};

export const ELEMENTWISE = {
  ...forAll(Object.keys(UNARY) as (keyof typeof UNARY)[], unary),
  ...forAll(Object.keys(BINARY) as (keyof typeof BINARY)[], binary),
  ...forAll(Object.keys(DIRECTIONS) as ComparisonOp[], comparison),
  Div: divide,
  Reciprocal: (_, [x], w) => w.emit('divide', [like(x, 1, w), x], x),
  Relu: (_, [x], w) => w.emit('maximum', [x, like(x, 0, w)], x),
  Step: (_, [x], w) => {
    const slope = w.select(w.compare('GT', x, like(x, 0, w)), like(x, 1, w), like(x, 0, w));
    return w.select(w.compare('EQ', x, x), slope, x);
  },
  // log(1 + e^x), whose exponent is never above zero.
  Softplus: (_, [x], w) => {
    const power = w.emit('exponential', [w.emit('negate', [w.emit('abs', [x], x)], x)], x);
    const rest = w.emit('log_plus_one', [power], x);
    return w.emit('add', [w.emit('maximum', [x, like(x, 0, w)], x), rest], x);
  },
  Gelu: (_, [x], w) => {
    const erf = w.emit('chlo.erf', [w.emit('multiply', [x, like(x, Math.SQRT1_2, w)], x)], x);
    const half = w.emit('multiply', [x, like(x, 0.5, w)], x);
    return w.emit('multiply', [half, w.emit('add', [erf, like(x, 1, w)], x)], x);
  },
  Cast: ({ attributes: { dtype } }, [x], w) =>
    dtype === 'bool' && x.dtype !== 'bool' ? w.compare('NE', x, like(x, 0, w)) : w.convert(x, dtype),
  Where: ({ outputs: [{ shape }] }, operands, w) => {
    const [condition, a, b] = operands.map((x) => w.broadcast(x, shape));
    return w.select(condition as Ref, a as Ref, b as Ref);
  },
} satisfies { readonly [K in XlaOp]?: Lowering<K> };
