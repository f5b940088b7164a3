import type { NamedTensors } from '@beit/weights';

const HEAD = /^(decode_head|auxiliary_head)\./;
const BACKBONE = 'backbone.';
/** A count that PyTorch keeps beside running statistics, and that nothing here needs. */
const COUNT = /\.num_batches_tracked$/;

/**
 * A segmenter's parameters under the names of a checkpoint of mmsegmentation with the official backbone
 * (microsoft/unilm beit/semantic_segmentation): `backbone.blocks.0...`, `decode_head...`.
 */
export const toMmsegmentation = (params: NamedTensors): NamedTensors =>
  Object.fromEntries(
    Object.entries(params).map(([name, tensor]) => [HEAD.test(name) ? name : BACKBONE + name, tensor]),
  );

/** The opposite of `toMmsegmentation`; counts of batches are left out. */
export const fromMmsegmentation = (tensors: NamedTensors): NamedTensors =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => !COUNT.test(name))
      .map(([name, tensor]) => [name.startsWith(BACKBONE) ? name.slice(BACKBONE.length) : name, tensor]),
  );
