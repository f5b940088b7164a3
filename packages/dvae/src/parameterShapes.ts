import type { ResolvedDvaeConfig } from './dvaeConfig';

/** One residual block's name, widths and kernel sizes. */
export interface BlockShape {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly kernels: readonly [number, number, number, number];
}

/** The encoder's blocks, group by group: wider and wider, the 1x1 convolution last. */
export const encoderGroups = (config: ResolvedDvaeConfig): BlockShape[][] =>
  groups(config, config.hiddenDim, (group) => config.hiddenDim * 2 ** group, [3, 3, 3, 1]);

/** The decoder's: narrower and narrower, the 1x1 convolution first. */
export const decoderGroups = (config: ResolvedDvaeConfig): BlockShape[][] =>
  groups(
    config,
    config.decoderInitDim,
    (group) => config.hiddenDim * 2 ** (config.numGroups - 1 - group),
    [1, 3, 3, 3],
  );

function groups(
  { numGroups, blocksPerGroup }: ResolvedDvaeConfig,
  first: number,
  widthOf: (group: number) => number,
  kernels: BlockShape['kernels'],
): BlockShape[][] {
  let inputs = first;
  return Array.from({ length: numGroups }, (_, group) =>
    Array.from({ length: blocksPerGroup }, (_unused, block) => {
      const shape = {
        name: `blocks.group_${group + 1}.block_${block + 1}`,
        inputs,
        outputs: widthOf(group),
        kernels,
      };
      inputs = shape.outputs;
      return shape;
    }),
  );
}

/** Names and shapes of all parameters: DALL-E's names, after `encoder.` and `decoder.`; weights are [out, in, k, k]. */
export function parameterShapes(config: ResolvedDvaeConfig): Record<string, number[]> {
  const { vocabSize, hiddenDim, decoderInitDim, numGroups } = config;
  const shapes: Record<string, number[]> = {};
  const conv = (name: string, inputs: number, outputs: number, kernel: number) => {
    shapes[`${name}.w`] = [outputs, inputs, kernel, kernel];
    shapes[`${name}.b`] = [outputs];
  };
  const blocks = (part: string, all: BlockShape[][]) => {
    for (const { name, inputs, outputs, kernels } of all.flat()) {
      const quarter = outputs / 4;
      if (inputs !== outputs) conv(`${part}.${name}.id_path`, inputs, outputs, 1);
      kernels.forEach((kernel, i) => {
        conv(
          `${part}.${name}.res_path.conv_${i + 1}`,
          i === 0 ? inputs : quarter,
          i === 3 ? outputs : quarter,
          kernel,
        );
      });
    }
  };
  const widest = hiddenDim * 2 ** (numGroups - 1);
  conv('encoder.blocks.input', 3, hiddenDim, 7);
  blocks('encoder', encoderGroups(config));
  conv('encoder.blocks.output.conv', widest, vocabSize, 1);
  conv('decoder.blocks.input', vocabSize, decoderInitDim, 1);
  blocks('decoder', decoderGroups(config));
  conv('decoder.blocks.output.conv', hiddenDim, 6, 1);
  return shapes;
}
