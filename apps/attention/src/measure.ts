/** How well heads tell objects apart, on scenes with true masks. */

import {
  type GridSize,
  type LayerAttention,
  meanMap,
  type Objectness,
  objectness,
  patchAttention,
} from '@beit/attention';
import { spread } from '@beit/experiments';
import type { AttentionModel } from './attentionModel';
import type { ObjectScene } from './sceneObjects';

/** One head, or the mean of a layer's heads. */
export interface Head {
  /** 0-based. */
  readonly block: number;
  /** 0-based, or the mean of all. */
  readonly head: number | 'mean';
}

export interface HeadScores extends Head {
  /** For every scene, the mean over its objects. */
  readonly scenes: readonly Objectness[];
}

/**
 * Objects of one patch, or of all of them, say nothing and are left out, and so are scenes of nothing else.
 *
 * @param scene by its number
 */
export async function objectScores(
  model: AttentionModel,
  scene: (index: number) => Promise<ObjectScene>,
  scenes: number,
  onScene: (done: number, total: number) => void = () => {},
): Promise<HeadScores[]> {
  const heads = [...Array.from({ length: model.numHeads }, (_, head) => head), 'mean' as const];
  const scores = Array.from({ length: model.depth }, (_, block) =>
    heads.map((head) => ({ block, head, scenes: [] as Objectness[] })),
  );
  for (let index = 0; index < scenes; index++) {
    const { image, objects } = await scene(index);
    const layers = await model.attention(image);
    layers.forEach((layer, block) => {
      const maps = objects.map((object) => mapsOnObject(layer, model.gridSize, object));
      heads.forEach((_, column) => {
        const found = objects.flatMap(
          (object, i) => objectness((query) => maps[i]!.get(query)![column]!, object, model.gridSize) ?? [],
        );
        if (found.length > 0) scores[block]![column]!.scenes.push(meanOf(found));
      });
    });
    onScene(index + 1, scenes);
  }
  return scores.flat();
}

/** For every patch of the object: the map of every head, then their mean. */
function mapsOnObject(
  layer: LayerAttention,
  gridSize: GridSize,
  object: Uint8Array,
): ReadonlyMap<number, readonly Float32Array[]> {
  const [, columns] = gridSize;
  const patches = [...object.keys()].filter((i) => object[i]);
  return new Map(
    patches.map((patch) => {
      const maps = patchAttention(layer, gridSize, [Math.floor(patch / columns), patch % columns]);
      return [patch, [...maps, meanMap(maps)]];
    }),
  );
}

const known = (values: readonly number[]) => values.filter((value) => !Number.isNaN(value));

const METRICS = ['auc', 'aucAtEqualDistance', 'mass', 'area'] as const satisfies (keyof Objectness)[];
type Metric = (typeof METRICS)[number];
const ofMetrics = <T>(value: (metric: Metric) => T) =>
  Object.fromEntries(METRICS.map((metric) => [metric, value(metric)])) as Record<Metric, T>;

const meanOf = (all: readonly Objectness[]): Objectness =>
  ofMetrics((metric) => spread(known(all.map((one) => one[metric]))).mean);

/** A mean and its 95 % confidence interval. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Over scenes, which are independent of each other; by the normal distribution. */
export function estimate(scenes: readonly Objectness[], metric: Metric): Estimate {
  const values = known(scenes.map((scene) => scene[metric]));
  const { mean, sd } = spread(values);
  const reach = (1.96 * sd) / Math.sqrt(values.length);
  return { mean, low: mean - reach, high: mean + reach };
}

export type Estimates = Readonly<Record<Metric, Estimate>>;
export const estimates = (scenes: readonly Objectness[]): Estimates =>
  ofMetrics((metric) => estimate(scenes, metric));

/**
 * The head that is best by a metric. It is chosen on every second scene and measured on the others, so that the choice is
 * no part of its merit.
 */
export function bestHead(scores: readonly HeadScores[], by: 'auc' | 'aucAtEqualDistance'): Head & Estimates {
  const half = (which: 0 | 1, { scenes }: HeadScores) => scenes.filter((_, i) => i % 2 === which);
  const chosenBy = (own: HeadScores) => estimate(half(0, own), by).mean;
  const best = scores.reduce((a, b) => (chosenBy(b) > chosenBy(a) ? b : a));
  return { block: best.block, head: best.head, ...estimates(half(1, best)) };
}

/** For people, with the interval. */
export const describeEstimate = ({ mean, low, high }: Estimate): string =>
  `${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;

/** For people: heads and blocks are counted from 1. */
export const describeHead = ({ block, head }: Head): string =>
  `block ${block + 1}, ${head === 'mean' ? 'mean of the heads' : `head ${head + 1}`}`;
