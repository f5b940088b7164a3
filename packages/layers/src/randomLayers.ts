/**
 * What is random in TensorFlow.js's layers: which numbers each needs, and the layer's formula with these given. The
 * formulas are those of tfjs-layers 4.22, so that equal numbers give equal results.
 */
import * as tf from '@tensorflow/tfjs';
import { type NoiseSpec, noiseName, type TakeNoise } from './noise';
import { type Override, overriding } from './overriding';
import { sublayers } from './sublayers';

type Layer = tf.layers.Layer;
type Shape = readonly number[];

/** What the random layers keep, which their declared types do not show. */
interface RandomLayer extends Layer {
  readonly rate: number;
  readonly stddev: number;
  readonly noiseShape?: readonly (number | null)[];
}
type Masks = tf.Tensor | tf.Tensor[] | null;
interface Cell extends Layer {
  readonly dropoutMask: Masks;
  readonly recurrentDropoutMask: Masks;
  readonly units: number;
  readonly filters?: number;
  readonly dropout: number;
  readonly recurrentDropout: number;
}
interface Recurrent extends Layer {
  readonly cell: Cell & { readonly cells?: readonly Cell[] };
  readonly returnSequences: boolean;
}
interface Wrapper extends Layer {
  readonly backwardLayer: Layer;
}

interface RandomRule {
  readonly distribution: NoiseSpec['distribution'];
  /** The shape of the numbers that it needs, for an input of a shape. */
  shape(layer: RandomLayer, input: Shape): Shape;
  /** Whether it does anything at all. */
  active(layer: RandomLayer): boolean;
  training(layer: RandomLayer, x: tf.Tensor, noise: tf.Tensor): tf.Tensor;
}

const drops = ({ rate }: RandomLayer) => 0 < rate && rate < 1;
/** 1 / (1 - rate) where the number is at least `rate`, 0 elsewhere; as TensorFlow.js rounds it. */
const keeping = (noise: tf.Tensor, rate: number) => tf.div(tf.floor(tf.add(noise, 1 - rate)), 1 - rate);

const dropout: RandomRule = {
  distribution: 'uniform',
  shape: ({ noiseShape }, input) => noiseShape?.map((size, i) => size ?? input[i]!) ?? input,
  active: drops,
  training: ({ rate }, x, noise) => tf.mul(x, keeping(noise, rate)),
};

const RULES: Readonly<Record<string, RandomRule>> = {
  Dropout: dropout,
  SpatialDropout1D: { ...dropout, shape: (_, [batch, , channels]) => [batch!, 1, channels!] },
  GaussianNoise: {
    distribution: 'normal',
    shape: (_, input) => input,
    active: () => true,
    training: ({ stddev }, x, noise) => tf.add(tf.mul(noise, stddev), x),
  },
  GaussianDropout: {
    distribution: 'normal',
    shape: (_, input) => input,
    active: drops,
    training: ({ rate }, x, noise) => tf.mul(x, tf.add(tf.mul(noise, Math.sqrt(rate / (1 - rate))), 1)),
  },
  AlphaDropout: {
    distribution: 'uniform',
    shape: ({ noiseShape }, input) => (noiseShape as Shape | undefined) ?? input,
    active: drops,
    training({ rate }, x, noise) {
      // What selu saturates at. The sign of what is dropped is TensorFlow.js's, and not that of the paper.
      const saturated = -1.6732632423543772 * 1.0507009873554805;
      const kept = tf.cast(tf.greaterEqual(noise, rate), 'float32');
      const scale = ((1 - rate) * (1 + rate * saturated ** 2)) ** -0.5;
      const mixed = tf.add(tf.mul(x, kept), tf.mul(tf.add(kept, -1), saturated));
      return tf.add(tf.mul(mixed, scale), -scale * saturated * rate);
    },
  },
};

/** How many masks a cell draws for its input, and again for its state. */
const MASKS: Readonly<Record<string, number>> = {
  SimpleRNNCell: 1,
  GRUCell: 3,
  LSTMCell: 4,
  ConvLSTM2DCell: 4,
};

const firstTensor = (inputs: tf.Tensor | tf.Tensor[]) => (Array.isArray(inputs) ? inputs[0]! : inputs);
const firstShape = (shapes: tf.Shape | tf.Shape[]) =>
  (Array.isArray(shapes[0]) ? shapes[0] : shapes) as Shape;

/**
 * The random numbers that a model needs in training, by name, for inputs of these shapes. Found by asking the model for
 * the shapes of its outputs, which asks each of its layers.
 */
export function noiseOf(model: Layer, inputShapes: readonly Shape[]): Record<string, NoiseSpec> {
  const specs: Record<string, NoiseSpec> = {};
  const counts = new Map<string, number>();
  const need = (layer: Layer, shape: Shape, distribution: NoiseSpec['distribution']) => {
    const count = counts.get(layer.name) ?? 0;
    counts.set(layer.name, count + 1);
    specs[noiseName(layer.name, count)] = { dtype: 'float32', shape: [...shape], distribution };
  };
  const overrides = [...sublayers(model)].flatMap((layer): Override[] => {
    const own = layer.computeOutputShape.bind(layer);
    const asking = (ask: (input: tf.Shape | tf.Shape[]) => void): Override[] => [
      {
        object: layer,
        member: 'computeOutputShape',
        value: (input: tf.Shape | tf.Shape[]) => {
          ask(input);
          return own(input);
        },
      },
    ];
    const rule = RULES[layer.getClassName()];
    if (rule) {
      const random = layer as RandomLayer;
      if (!rule.active(random)) return [];
      return asking((input) => need(layer, rule.shape(random, firstShape(input)), rule.distribution));
    }
    if ('cell' in layer) {
      return asking((input) => {
        const recurrent = layer as Recurrent;
        const [batch, , ...rest] = firstShape(input);
        const [, ...size] = firstShape(own(input)).slice(recurrent.returnSequences ? 1 : 0);
        let above: Shape = [batch!, ...rest];
        for (const cell of recurrent.cell.cells ?? [recurrent.cell]) {
          const state = [batch!, ...size.slice(0, -1), cell.filters ?? cell.units];
          const masks = MASKS[cell.getClassName()] ?? 0;
          for (const [rate, shape] of [
            [cell.dropout, above],
            [cell.recurrentDropout, state],
          ] as const) {
            for (let i = 0; 0 < rate && rate < 1 && i < masks; i++) need(cell, shape, 'uniform');
          }
          above = state;
        }
      });
    }
    if (layer.getClassName() === 'Bidirectional') {
      return asking((input) => (layer as Wrapper).backwardLayer.computeOutputShape(input));
    }
    if (layer.getClassName() === 'TimeDistributed') {
      // The inner layer is called for each time anew, and asked for its shape once.
      return asking((input) => {
        for (let time = 1; time < firstShape(input)[1]!; time++) own(input);
      });
    }
    return [];
  });
  overriding(overrides, () => {
    const shapes = inputShapes.map((shape) => [...shape]);
    model.computeOutputShape(shapes.length === 1 ? shapes[0]! : shapes);
  });
  return specs;
}

/** `run` while a model's random layers take their numbers from `take`, and its cells draw no masks but for this call. */
export function withNoise<R>(model: Layer, take: TakeNoise, run: () => R): R {
  const layers = [...sublayers(model)];
  const cells = layers.filter((layer): layer is Cell => layer.getClassName() in MASKS);
  const calls = layers.flatMap((layer): Override[] => {
    const rule = RULES[layer.getClassName()];
    if (!rule?.active(layer as RandomLayer)) return [];
    const random = layer as RandomLayer;
    const own = layer.call.bind(layer);
    const call: Layer['call'] = (inputs, kwargs) =>
      kwargs.training
        ? tf.tidy(() => {
            const x = firstTensor(inputs);
            return rule.training(random, x, take(layer.name, rule.shape(random, x.shape)));
          })
        : own(inputs, kwargs);
    return [{ object: layer, member: 'call', value: call }];
  });
  const masks = cells.flatMap((cell): Override[] => [
    { object: cell, member: 'dropoutMask', value: null },
    { object: cell, member: 'recurrentDropoutMask', value: null },
    {
      object: cell,
      member: 'dropoutFunc',
      value: (x: tf.Tensor, rate: number) => tf.mul(x, keeping(take(cell.name, x.shape), rate)),
    },
  ]);
  return overriding([...calls, ...masks], () => {
    try {
      return run();
    } finally {
      for (const { dropoutMask, recurrentDropoutMask } of cells) {
        for (const mask of [dropoutMask, recurrentDropoutMask]) if (mask) tf.dispose(mask);
      }
    }
  });
}
