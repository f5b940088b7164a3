import { callSite } from './callSite';

interface RandomOp {
  /** What draws its numbers outside. Default: itself. */
  readonly draw?: string;
  /** What draws them needs more than a shape. */
  readonly more?: boolean;
  /** What makes of numbers drawn outside what the op makes. */
  readonly use?: string;
}

/**
 * TensorFlow.js's ops that draw random numbers, by the name of the scope that each opens. They draw in JavaScript: a
 * trace sees numbers like any others, and would keep them for every run.
 */
const RANDOM_OPS: Readonly<Record<string, RandomOp>> = {
  dropout: { draw: 'randomUniform', use: "x.mul(noise.greaterEqual(rate).cast('float32')).div(1 - rate)" },
  multinomial: {
    draw: 'randomUniform',
    use: 'logits.sub(noise.log().neg().log()).argMax(-1), for one sample,',
  },
  rand: { more: true },
  randomGamma: { more: true },
  randomNormal: {},
  randomStandardNormal: {},
  randomUniform: {},
  randomUniformInt: { more: true },
  truncatedNormal: {},
};

/** What TensorFlow.js adds to the name of an op in that of its scope. */
const OP = '__op';

/** The outermost op that draws random numbers, among the scopes that are open. */
export function randomOpAmong(scopes: readonly { readonly name: string }[]): string | undefined {
  const ops = scopes.flatMap(({ name }) => (name.endsWith(OP) ? [name.slice(0, -OP.length)] : []));
  return ops.find((op) => Object.hasOwn(RANDOM_OPS, op));
}

/**
 * That the op can't be traced, and what to do.
 *
 * @param shape and dtype of what is drawn
 */
export function randomOpError(op: string, shape: readonly number[], dtype: string): Error {
  const { draw = op, more = false, use } = RANDOM_OPS[op]!;
  const sizes = `[${shape.join(', ')}]`;
  const spec = `dtype: '${dtype === 'int32' ? dtype : 'float32'}', shape: ${sizes}`;
  return new Error(
    `The op '${op}' can't be traced: it draws random numbers, which would be the same at every run.${callSite()} Draw ` +
      `them outside and pass them in, as an input noise: { ${spec} } of compile, and at every run ` +
      `noise: { ${spec}, data: tf.tidy(() => tf.${draw}(${sizes}${more ? ', ...' : ''}).dataSync()) }. ` +
      `${use ? `In the step ${use} is '${op}'. ` : ''}Or use engine 'tfjs', which runs eagerly.`,
  );
}
