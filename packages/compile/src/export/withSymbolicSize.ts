import type { OnnxInitializer, OnnxModel, OnnxNode, OnnxTensor } from '../onnx/proto';

/** A size that is open until the model runs, and where it is read then. */
export interface SymbolicSize {
  readonly name: string;
  readonly input: string;
  readonly axis: number;
}

/** A model written for one value of the size. */
export interface SizedModel {
  readonly size: number;
  readonly model: OnnxModel;
}

/** A whole number that grows with the size: `factor` times it. */
interface Multiple {
  readonly factor: number;
}

/**
 * One model for any value of a size, from the same program written for two values: what is the same in both stays, and
 * what is the same multiple of the size in both becomes that multiple.
 *
 * @throws when they differ in anything else
 */
export function withSymbolicSize(a: SizedModel, b: SizedModel, symbol: SymbolicSize): OnnxModel {
  const fail = (what: string): never => {
    throw new Error(
      `The program can't be written for every '${symbol.name}': ${what}. ` +
        `Give a number in place of '${symbol.name}' in the shapes of the inputs.`,
    );
  };
  const generalized = (x: number, y: number, what: string): number | Multiple => {
    if (x === y) return x;
    const factor = x / a.size;
    if (Number.isInteger(factor) && y === factor * b.size) return { factor };
    return fail(`${what} is ${x} for ${a.size} and ${y} for ${b.size}, which is no multiple of it`);
  };

  const constantsOf = ({ model }: SizedModel) =>
    new Map(model.initializers.map((initializer) => [initializer.name, initializer]));
  const [constantsA, constantsB] = [constantsOf(a), constantsOf(b)];
  const nodes: OnnxNode[] = [];
  const made = new Map<string, OnnxInitializer>();
  const computed = new Set<string>();

  function integers(values: readonly number[]): string {
    const name = `/${symbol.name}/${values.join('_')}`;
    made.set(name, {
      name,
      dtype: 'int64',
      shape: [values.length],
      data: BigInt64Array.from(values, BigInt),
    });
    return name;
  }
  function compute(name: string, node: () => Omit<OnnxNode, 'outputs'>): string {
    if (!computed.has(name)) {
      computed.add(name);
      nodes.push({ ...node(), outputs: [name] });
    }
    return name;
  }
  /** `factor` times the size, as a list of one. */
  function multiple(factor: number): string {
    const size = compute(`/${symbol.name}/size`, () => ({
      op: 'Shape',
      inputs: [symbol.input],
      attributes: { start: symbol.axis, end: symbol.axis + 1 },
    }));
    if (factor === 1) return size;
    return compute(`/${symbol.name}/size*${factor}`, () => ({
      op: 'Mul',
      inputs: [size, integers([factor])],
    }));
  }
  function list(values: readonly (number | Multiple)[], node: OnnxNode): string {
    const open = values.filter((value) => typeof value !== 'number');
    if (node.op === 'Reshape' && open.length === 1) {
      return integers(values.map((value) => (typeof value === 'number' ? value : -1)));
    }
    if (values.length === 1) return multiple((values[0] as Multiple).factor);
    const name = values
      .map((value) => (typeof value === 'number' ? value : `size*${value.factor}`))
      .join('_');
    return compute(`/${symbol.name}/${name}`, () => ({
      op: 'Concat',
      inputs: values.map((value) => (typeof value === 'number' ? integers([value]) : multiple(value.factor))),
      attributes: { axis: 0 },
    }));
  }

  /** The name of an input that stands in the same place in both models. */
  function operand(x: string, y: string, node: OnnxNode): string {
    const [p, q] = [constantsA.get(x), constantsB.get(y)];
    if (!p && !q && x === y) return x;
    if (!p || !q) return fail(`'${node.op}' takes another operand for ${a.size} than for ${b.size}`);
    if (sameNumbers(p, q)) return x;
    if (p.dtype !== 'int64' || p.data.length !== q.data.length) {
      return fail(`a constant of '${node.op}', ${p.dtype} [${p.shape}], depends on it`);
    }
    const [those, others] = [p.data as BigInt64Array, q.data as BigInt64Array];
    const values = Array.from(those, (value, i) =>
      generalized(Number(value), Number(others[i]), `a shape or position of '${node.op}'`),
    );
    return list(values, node);
  }

  const pairs = a.model.nodes.map((node, i) => [node, b.model.nodes[i]] as const);
  if (a.model.nodes.length !== b.model.nodes.length || !pairs.every(([p, q]) => sameForm(p, q!))) {
    fail('it has other ops for another size');
  }
  for (const [node, other] of pairs) {
    const inputs = node.inputs.map((x, i) => operand(x, other!.inputs[i]!, node));
    nodes.push({ ...node, inputs });
  }

  const tensors = (these: readonly OnnxTensor[], those: readonly OnnxTensor[]): OnnxTensor[] =>
    these.map((tensor, i) => {
      const shape = tensor.shape.map((dim, axis) => {
        const what = `axis ${axis} of '${tensor.name}'`;
        const size = generalized(dim as number, those[i]!.shape[axis] as number, what);
        if (typeof size === 'number') return size;
        return size.factor === 1 ? symbol.name : `${size.factor}*${symbol.name}`;
      });
      return { ...tensor, shape };
    });
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  const initializers = [...made.values(), ...a.model.initializers].filter(({ name }) => used.has(name));
  return {
    nodes,
    initializers,
    inputs: tensors(a.model.inputs, b.model.inputs),
    outputs: tensors(a.model.outputs, b.model.outputs),
  };
}

const sameNumbers = (p: OnnxInitializer, q: OnnxInitializer): boolean =>
  p.dtype === q.dtype &&
  p.shape.join() === q.shape.join() &&
  (p.data === q.data ||
    (p.data.length === q.data.length && p.data.every((x: number | bigint, i) => x === q.data[i])));

/** Same op, attributes and results; operands are compared one by one. */
const sameForm = (p: OnnxNode, q: OnnxNode): boolean =>
  JSON.stringify([p.op, p.domain, p.attributes, p.outputs, p.inputs.length]) ===
  JSON.stringify([q.op, q.domain, q.attributes, q.outputs, q.inputs.length]);
