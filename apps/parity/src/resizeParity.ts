import { type ResizeGridOptions, resizeGrid } from '@beit/nn';
import { type Fixture, type Measurement, relativeError, toChannelsLast } from '@beit/parity';

/** Interpolation of position embeddings and of maps. Sizes are in the names: `pos_embed_7x7`, `bilinear_10x10_aligned`. */
export function resizeParity(fixture: Fixture): Measurement[] {
  return Object.entries(fixture.group('output')).map(([name, expected]) => {
    const [, kind, rows, columns, aligned] = /^(\w+)_(\d+)x(\d+)(_aligned)?$/.exec(name)!;
    const size = [Number(rows), Number(columns)] as const;
    if (kind === 'pos_embed') {
      const source = fixture.tensor('input.pos_embed');
      const [, tokens, width] = source.shape as [number, number, number];
      const side = Math.round(Math.sqrt(tokens - 1));
      const data = source.data as Float32Array;
      const patches = resizeGrid(data.subarray(width), [side, side, width], size, { method: 'bicubic' });
      const actual = Float32Array.from([...data.subarray(0, width), ...patches]);
      return { group: name, error: relativeError({ ...expected, data: actual }, expected) };
    }
    const { data, shape } = toChannelsLast(fixture.tensor('input.map'));
    const [batch, h, w, width] = shape as [number, number, number, number];
    const options: ResizeGridOptions = { method: 'bilinear', alignCorners: aligned !== undefined };
    const images = Array.from({ length: batch }, (_, i) => {
      const image = (data as Float32Array).subarray(i * h * w * width, (i + 1) * h * w * width);
      return [...resizeGrid(image, [h, w, width], size, options)];
    });
    const target = toChannelsLast(expected);
    return {
      group: name,
      error: relativeError({ ...target, data: Float32Array.from(images.flat()) }, target),
    };
  });
}
