import { downsampling, type ResolvedDvaeConfig } from './dvaeConfig';
import { gridSize } from './gridSize';
import { parameterShapes } from './parameterShapes';

/**
 * Multiply-adds of one image forwards; a training step costs about three times that.
 *
 * @param imageSize pixels: the side of a square, or [height, width]
 */
export function multiplyAdds(
  config: ResolvedDvaeConfig,
  imageSize: number | readonly [number, number],
): { encoder: number; decoder: number } {
  const [rows, columns] = gridSize(config, imageSize);
  const pixels = rows * columns * downsampling(config) ** 2;
  const sums = { encoder: 0, decoder: 0 };
  for (const [name, shape] of Object.entries(parameterShapes(config))) {
    if (shape.length !== 4) continue;
    const part = name.startsWith('encoder.') ? 'encoder' : 'decoder';
    // Resolution halves from group to group of the encoder; the decoder goes the other way.
    const group = Number(/group_(\d+)/.exec(name)?.[1] ?? (name.includes('.input.') ? 1 : config.numGroups));
    const halvings = part === 'encoder' ? group - 1 : config.numGroups - group;
    sums[part] += (pixels / 4 ** halvings) * shape.reduce((product, side) => product * side, 1);
  }
  return sums;
}
