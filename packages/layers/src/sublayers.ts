import * as tf from '@tensorflow/tfjs';

type Layer = tf.layers.Layer;

const isLayer = (value: unknown): value is Layer => value instanceof tf.layers.Layer;

/** A layer and all that it is made of: the layers of models, what wrappers wrap, the cells of recurrent layers. */
export function sublayers(layer: Layer, found: Set<Layer> = new Set()): Set<Layer> {
  if (found.has(layer)) return found;
  found.add(layer);
  for (const value of Object.values(layer)) {
    for (const part of Array.isArray(value) ? value : [value]) if (isLayer(part)) sublayers(part, found);
  }
  return found;
}
