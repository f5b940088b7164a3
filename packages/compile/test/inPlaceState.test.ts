import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { createGraphBuilder } from '../src/graph/builder';
import { broadcastShapes, type Graph, type Node, padShape, sizeOf, type Value } from '../src/graph/graph';
import { at, get, ofLength } from '../src/graph/lists';
import { inPlaceState } from '../src/passes/inPlaceState';
import { optimize } from '../src/passes/optimize';
import { trace } from '../src/record/trace';

type Tensors = Record<string, tf.Tensor>;
const f32 = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;
type Specs<N extends string> = Record<N, ReturnType<typeof f32>>;
type Returned = { state: Tensors; outputs?: Tensors };
function proven<S extends string>(step: (state: Record<S, tf.Tensor>) => Returned, state: Specs<S>): string[];
function proven<S extends string, I extends string>(
  step: (state: Record<S, tf.Tensor>, inputs: Record<I, tf.Tensor>) => Returned,
  state: Specs<S>,
  inputs: Specs<I>,
): string[];
function proven(
  step: (state: Tensors, inputs: Tensors) => Returned,
  state: Specs<string>,
  inputs: Specs<string> = {},
) {
  const { graph } = trace((s: Tensors, x: Tensors) => ({ outputs: {}, ...step(s, x) }), state, inputs);
  return [...inPlaceState(optimize(graph))].sort();
}

describe('what may be updated in place', () => {
  test('moments and their parameter, which read the new moments', () => {
    const step = ({ w, m, v }: Record<'w' | 'm' | 'v', tf.Tensor>, { g }: Record<'g', tf.Tensor>) => {
      const nextM = m.mul(0.9).add(g.mul(0.1));
      const nextV = v.mul(0.9).add(g.square().mul(0.1));
      return { state: { w: w.mul(0.99).sub(nextM.div(nextV.sqrt().add(1e-8))), m: nextM, v: nextV } };
    };
    const state = { w: f32(2, 3), m: f32(2, 3), v: f32(2, 3) };
    expect(proven(step, state, { g: f32(2, 3) })).toEqual(['m', 'v', 'w']);
  });

  const network =
    (clipped: boolean) =>
    (params: Tensors, { x }: Record<'x', tf.Tensor>) => {
      const names = Object.keys(params);
      const normalized = (h: tf.Tensor) => {
        const centred = h.sub(h.mean(1, true));
        return centred.div(centred.square().mean(1, true).add(1e-6).sqrt());
      };
      const loss = (...weights: tf.Tensor[]) =>
        weights
          .reduce((h, w) => normalized(tf.matMul(h, w)), x)
          .pow(4)
          .sum();
      const grads = tf.grads(loss)(names.map((name) => params[name]!));
      const norm = tf.sqrt(tf.addN(grads.map((g) => g.square().sum())));
      const rate = clipped ? tf.minimum(tf.div(1, norm), 1) : tf.scalar(0.1);
      return {
        state: Object.fromEntries(names.map((name, i) => [name, params[name]!.sub(grads[i]!.mul(rate))])),
      };
    };
  const weights = { w1: f32(4, 4), w2: f32(4, 4), w3: f32(4, 4) };
  test('with clipping by the global norm, all weights', () => {
    expect(proven(network(true), weights, { x: f32(3, 4) })).toEqual(['w1', 'w2', 'w3']);
  });
  test('without it, those that no gradient passes on its way to others', () => {
    expect(proven(network(false), weights, { x: f32(3, 4) })).toEqual(['w1']);
  });
  test('what lies behind many products', () => {
    const products = (a: tf.Tensor) =>
      [1, 2, 3, 4].reduce<tf.Tensor>((x) => tf.matMul(x, x), tf.matMul(a, a));
    expect(proven(({ a }) => ({ state: { a: products(a).add(1) } }), { a: f32(2, 2) })).toEqual(['a']);
  });
  test('a new value through a reshape', () => {
    const step = ({ a }: Record<'a', tf.Tensor>, { g }: Record<'g', tf.Tensor>) => ({
      state: { a: a.reshape([6]).add(g).reshape([2, 3]) },
    });
    expect(proven(step, { a: f32(2, 3) }, { g: f32(6) })).toEqual(['a']);
  });
});

describe('what may not', () => {
  const powers = (a: tf.Tensor) => Array.from({ length: 6 }).reduce<tf.Tensor>((x) => tf.matMul(x, x), a);
  const square = { a: f32(2, 2) };
  test.each<[string, (a: tf.Tensor) => { state: Tensors; outputs?: Tensors }]>([
    ['a product with itself', (a) => ({ state: { a: tf.matMul(a, a) } })],
    ['a product that an update may be fused with', (a) => ({ state: { a: a.sub(tf.matMul(a, a)) } })],
    [
      'products that one kernel could hold',
      (a) => ({ state: { a: [1, 2, 3].reduce<tf.Tensor>((x) => tf.matMul(x, x), tf.matMul(a, a)).add(1) } }),
    ],
    ['elements that change places', (a) => ({ state: { a: a.mul(2).transpose().add(1).mul(3) } })],
    ['a row that every row reads', (a) => ({ state: { a: a.add(a.slice([0, 0], [1, 2])) } })],
    ['a sum over the old value', (a) => ({ state: { a: a.sub(a.sum(0)) } })],
    ['the old value as an output', (a) => ({ state: { a: a.add(1) }, outputs: { a } })],
    ['an output made of the old value', (a) => ({ state: { a: a.add(1) }, outputs: { b: a.mul(2) } })],
    ['an output through more ops', (a) => ({ state: { a: a.add(1) }, outputs: { b: a.mul(2).sum() } })],
    [
      'a reader of something that was made for the update',
      (a) => {
        const doubled = a.mul(2);
        return { state: { a: doubled.add(1) }, outputs: { b: doubled.sum() } };
      },
    ],
    [
      'a reader of something that was turned for the update',
      (a) => {
        const turned = a.transpose();
        return { state: { a: powers(turned) }, outputs: { b: turned.sum(0) } };
      },
    ],
    [
      'parts that may be written early',
      (a) => ({ state: { a: tf.concat([powers(a).sum(0, true), tf.ones([1, 2])]) } }),
    ],
    ['a constant', (a) => ({ state: { a: tf.zeros([2, 2]) }, outputs: { b: a.sum() } })],
  ])('%s', (_, step) => {
    expect(proven(({ a }) => step(a), square)).toEqual([]);
  });
  test.each<[string, ReturnType<typeof f32>, (next: tf.Tensor, b: tf.Tensor) => tf.Tensor]>([
    ['a number', f32(), (next, b) => b.mul(next)],
    ['a row', f32(4), (next, b) => b.add(next.mul(2))],
    ['a column', f32(3, 1), (next, b) => b.sub(next.reshape([3, 1]).square())],
    ['turned', f32(4, 3), (next, b) => b.add(next.transpose())],
    ['in a product', f32(4, 4), (next, b) => tf.matMul(b, next)],
  ])('one whose new value goes into something larger, or elsewhere: %s', (_, spec, use) => {
    const step = ({ a, b }: Record<'a' | 'b', tf.Tensor>) => {
      const next = a.add(1);
      return { state: { a: next, b: use(next, b) } };
    };
    expect(proven(step, { a: spec, b: f32(3, 4) })).not.toContain('a');
  });
  test('two that change places; one that becomes the other', () => {
    expect(proven(({ a, b }) => ({ state: { a: b, b: a } }), { a: f32(2), b: f32(2) })).toEqual([]);
    expect(proven(({ b }) => ({ state: { a: b, b: b.add(1) } }), { a: f32(2), b: f32(2) })).toEqual([]);
  });
  test('one that is read by what comes after its update', () => {
    const step = ({ a, b }: Record<'a' | 'b', tf.Tensor>) => {
      const next = a.add(1);
      return { state: { a: next, b: b.add(next.mul(a)) } };
    };
    expect(proven(step, { a: f32(2), b: f32(2) })).toEqual(['b']);
  });
});

/**
 * An engine as the pass imagines it. Elements are computed one by one, in an order drawn by lot; some values are
 * never stored, but computed again in the kernel that uses them; kernels run in an order drawn by lot; the new state
 * is written into the buffers that are given. Numbers are whole and below 1009, so that every order gives the same.
 */
function runByLot(
  graph: Graph,
  given: ReadonlyMap<string, Int32Array>,
  buffers: ReadonlyMap<number, Int32Array>,
  draw: (below: number) => number,
) {
  const producer = new Map<number, Node>(
    graph.nodes.flatMap((node) => node.outputs.map((v) => [v.id, node])),
  );
  const uses = new Map<number, number>();
  for (const { id } of graph.nodes.flatMap((node) => node.inputs)) uses.set(id, (uses.get(id) ?? 0) + 1);
  const isOutput = new Set([...graph.outputs.values()].map(({ id }) => id));

  const stored = new Map<number, Int32Array>();
  /** Heavy ops chained in what a value that is not stored is computed from. */
  const chain = new Map<number, number>();
  const waiting: Node[] = [];
  for (const node of graph.nodes) {
    const [y] = node.outputs;
    if (node.op === 'Input') {
      stored.set(y.id, get(given, node.attributes.name));
      continue;
    }
    const heavy = node.op === 'MatMul' || node.op === 'ReduceSum' ? 1 : 0;
    const chained = heavy + Math.max(0, ...node.inputs.map(({ id }) => chain.get(id) ?? 0));
    const inlined =
      !isOutput.has(y.id) && chained < 4 && (chained === 0 || uses.get(y.id) === 1) && draw(3) > 0;
    if (inlined) chain.set(y.id, chained);
    else waiting.push(node);
  }

  const compute = ({ op, inputs, attributes, outputs: [{ shape }] }: Node, i: number): number => {
    if (op === 'MatMul') {
      const [a, b] = inputs;
      const [rows, inner] = ofLength(a.shape, 2);
      const columns = at(shape, 1);
      let sum = 0;
      for (let k = 0; k < inner; k++) {
        const row = Math.floor(i / columns);
        sum +=
          read(a, attributes.transposeA ? k * rows + row : row * inner + k) *
          read(b, k * columns + (i % columns));
      }
      return sum % 1009;
    }
    if (op === 'ReduceSum') {
      const [x] = inputs;
      const [rows, columns] = ofLength(x.shape, 2);
      let sum = 0;
      for (let k = 0; k < rows; k++) sum += read(x, k * columns + i);
      return sum % 1009;
    }
    if (op === 'Reshape') return read(inputs[0], i);
    if (op === 'Transpose') {
      const [rows, columns] = ofLength(shape, 2);
      return read(inputs[0], (i % columns) * rows + Math.floor(i / columns));
    }
    if (op === 'Slice') return read(inputs[0], at(attributes.begin, 0) * at(inputs[0].shape, 1) + i);
    const element = (value: Value) => {
      const from = padShape(value.shape, shape.length);
      let [offset, stride, rest] = [0, 1, i];
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        const size = at(shape, axis);
        if (from[axis] !== 1) offset += (rest % size) * stride;
        rest = Math.floor(rest / size);
        stride *= at(from, axis);
      }
      return read(value, offset);
    };
    if (op === 'Add') return (element(inputs[0]) + element(inputs[1])) % 1009;
    if (op === 'Mul') return (element(inputs[0]) * element(inputs[1])) % 1009;
    if (op === 'Neg') return (1009 - element(inputs[0])) % 1009;
    throw new Error(`This engine has no op '${op}'.`);
  };
  const read = (value: Value, place: number): number =>
    stored.get(value.id)?.[place] ?? compute(get(producer, value.id), place);
  const ready = (value: Value): boolean =>
    stored.has(value.id) || (chain.has(value.id) && get(producer, value.id).inputs.every(ready));

  while (waiting.length > 0) {
    const able = waiting.filter((node) => node.inputs.every(ready));
    const node = at(able, draw(able.length));
    waiting.splice(waiting.indexOf(node), 1);
    const [y] = node.outputs;
    const buffer = buffers.get(y.id) ?? new Int32Array(sizeOf(y.shape));
    const left = [...buffer.keys()];
    while (left.length > 0) {
      for (const i of left.splice(draw(left.length), 1)) buffer[i] = compute(node, i);
    }
    stored.set(y.id, buffer);
  }
  return (name: string) => [...get(stored, get(graph.outputs, name).id)];
}

const STATES: Readonly<Record<string, readonly number[]>> = { a: [2, 2], b: [2, 2], c: [1, 2], d: [4] };
const OPS = [
  'Add',
  'Add',
  'Mul',
  'Neg',
  'MatMul',
  'MatMul',
  'ReduceSum',
  'Reshape',
  'Transpose',
  'Slice',
] as const;
type Instruction = readonly [op: number, a: number, b: number];

/** A graph made of instructions whose operands are counted back from the newest value. */
function graphOf(instructions: readonly Instruction[], chosen: readonly number[]): Graph {
  const builder = createGraphBuilder();
  const values = Object.entries(STATES).map(([name, shape]) =>
    builder.input(`state/${name}`, 'float32', shape),
  );
  values.push(builder.input('inputs/g', 'float32', [2, 2]));
  for (const [op, a, b] of instructions) {
    const name = at(OPS, op % OPS.length);
    const pick = (back: number) => at(values, values.length - 1 - (back % values.length));
    const [x, y] = [pick(a), pick(b)];
    const isMatrix = x.shape.length === 2;
    if (name === 'Add' || name === 'Mul') {
      const fits = [x.shape, y.shape].every(
        (s) => s.length <= 2 && (s.length === 2 || sizeOf(s) === sizeOf(x.shape)),
      );
      if (fits && x.shape.length === y.shape.length) {
        if (broadcastShapes(x.shape, y.shape)) values.push(builder.emit(name, [x, y]));
      }
    } else if (name === 'Neg') values.push(builder.emit(name, [x]));
    else if (name === 'MatMul') {
      if (isMatrix && sizeOf(x.shape) === 4 && y.shape.length === 2 && y.shape[0] === 2)
        values.push(builder.emit(name, [x, y], { transposeA: b % 2 === 0, transposeB: false }));
    } else if (name === 'Reshape')
      values.push(
        builder.emit(name, [x], { shape: isMatrix ? [sizeOf(x.shape)] : [sizeOf(x.shape) / 2, 2] }),
      );
    else if (isMatrix && name === 'ReduceSum')
      values.push(builder.emit(name, [x], { axes: [0], keepDims: true }));
    else if (isMatrix && name === 'Transpose') values.push(builder.emit(name, [x], { perm: [1, 0] }));
    else if (isMatrix && name === 'Slice')
      values.push(
        builder.emit(name, [x], {
          begin: [b % at(x.shape, 0), 0],
          size: [1, at(x.shape, 1)],
          strides: [1, 1],
        }),
      );
  }
  const outputs = new Map<string, Value>([['outputs/y', at(values, -1)]]);
  Object.entries(STATES).forEach(([name, shape], i) => {
    const fitting = values.filter((value) => `${value.shape}` === `${shape}`);
    const next = at(fitting, fitting.length - 1 - (at(chosen, i) % fitting.length));
    if (next !== values[i]) outputs.set(`next/${name}`, next);
  });
  return builder.finish(outputs);
}

test('any order of kernels, with values computed again and written element by element, gives the same numbers', () => {
  const instruction = fc.tuple(fc.nat(), fc.nat(8), fc.nat(12));
  let inPlace = 0;
  fc.assert(
    fc.property(
      fc.array(instruction, { minLength: 1, maxLength: 24 }),
      fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5), fc.nat(5)),
      fc.infiniteStream(fc.nat(1 << 20)),
      (instructions, chosen, lots) => {
        const graph = graphOf(instructions, chosen);
        const paths = inPlaceState(graph);
        inPlace += paths.size;
        const draw = (below: number) => (lots.next().value as number) % below;
        const given = () =>
          new Map(
            [...graph.inputs].map(([name, { shape }], k) => [
              name,
              Int32Array.from({ length: sizeOf(shape) }, (_, i) => 2 + 7 * k + 3 * i * i),
            ]),
          );
        const expected = runByLot(graph, given(), new Map(), draw);
        for (let attempt = 0; attempt < 5; attempt++) {
          const state = given();
          const buffers = new Map(
            [...paths].map((path) => [get(graph.outputs, `next/${path}`).id, get(state, `state/${path}`)]),
          );
          const actual = runByLot(graph, state, buffers, draw);
          for (const name of graph.outputs.keys()) expect(actual(name)).toEqual(expected(name));
        }
      },
    ),
    { numRuns: 2000 },
  );
  expect(inPlace).toBeGreaterThan(900);
});
