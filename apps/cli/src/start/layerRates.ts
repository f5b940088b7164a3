import { layerDecay, layerId } from '@beit/optim';
import type { NamedTensors } from '@beit/tensors';

export interface LayerRate {
  readonly layer: string;
  readonly learningRate: number;
  readonly parameters: number;
}

/** The peak learning rate of every layer, from the patches up. */
export function layerRates(
  {
    learningRate,
    layerDecay: rate,
    depth,
  }: { readonly learningRate: number; readonly layerDecay: number; readonly depth: number },
  params: NamedTensors,
): LayerRate[] {
  const scale = layerDecay({ rate, depth });
  const layers = new Map<number, { name: string; parameters: number }>();
  for (const [name, { data }] of Object.entries(params)) {
    const id = layerId(name, depth);
    const before = layers.get(id)?.parameters ?? 0;
    layers.set(id, { name, parameters: before + data.length });
  }
  return [...layers]
    .sort(([a], [b]) => a - b)
    .map(([id, { name, parameters }]) => ({
      layer: id === 0 ? 'patches, positions' : id > depth ? 'norm, head' : `block ${id - 1}`,
      learningRate: learningRate * scale(name),
      parameters,
    }));
}

/** As a table in the terminal. */
export function printLayerRates(rates: readonly LayerRate[]): void {
  console.log(`\n  ${'layer'.padEnd(20)} ${'peak rate'.padStart(10)} ${'parameters'.padStart(12)}`);
  for (const { layer, learningRate, parameters } of rates) {
    console.log(
      `  ${layer.padEnd(20)} ${learningRate.toExponential(3).padStart(10)} ${String(parameters).padStart(12)}`,
    );
  }
}
