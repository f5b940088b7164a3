import type { EngineOptions } from '@beit/cli';
import { compileForward } from '@beit/compile';
import { type FloatImage, type Segmenter, segmentImage, segmentWhole } from '@beit/segmentation';
import type { HostTensor, ImageSize, NamedTensors } from '@beit/tensors';
import { resolveVitConfig, type VitConfig } from '@beit/vit';
import type * as tf from '@tensorflow/tfjs';
import { isAuxiliary } from './model';

/** Windows in one call: of 64 pixels some, of 512 one. */
const PIXELS_A_CALL = 8 * 64 ** 2;

export interface CompiledSegmenter {
  /**
   * The class of every pixel.
   *
   * @param images the image at one scale, or at several
   * @param size of the result
   * @returns `[height, width]`
   */
  segment(images: readonly FloatImage[], size: Pick<FloatImage, 'height' | 'width'>): Promise<Uint8Array>;
  /** Takes other parameters; those of auxiliary heads are left aside. */
  setParams(params: NamedTensors): Promise<void>;
  dispose(): Promise<void>;
}

export interface CompileOptions {
  readonly segmenter: Segmenter;
  /** The encoder; its images are the windows. */
  readonly model: VitConfig;
  /** Parameters of the right names and shapes; the program is compiled with them. */
  readonly params: NamedTensors;
  readonly engine: EngineOptions;
}

/** A segmenter whose windows slide over images, compiled once. */
export async function openWindows({
  stride,
  flip,
  ...options
}: CompileOptions & { readonly stride: ImageSize; readonly flip: boolean }): Promise<CompiledSegmenter> {
  const { segmenter } = options;
  const { imageSize: windowSize } = resolveVitConfig(options.model);
  const [height, width] = windowSize;
  const batchSize = Math.max(1, Math.floor(PIXELS_A_CALL / (height * width)));
  const program = await open(options, batchSize, segmenter.logits);
  const windows = { windowSize, numClasses: segmenter.numClasses, batchSize, logits: program.logits };
  return { ...program, segment: (images, size) => segmentImage(images, windows, { size, stride, flip }) };
}

/** A segmenter that sees each image as a whole, in one window, compiled once. */
export async function openWhole(options: CompileOptions): Promise<CompiledSegmenter> {
  const program = await open(options, 1, options.segmenter.gridLogits);
  return {
    ...program,
    async segment([image], size) {
      const { height, width, data } = image!;
      const shape = [1, height, width, data.length / (height * width)];
      const logits = await program.logits({ dtype: 'float32', shape, data });
      return segmentWhole(logits, size);
    },
  };
}

async function open(
  { model, params, engine }: CompileOptions,
  batchSize: number,
  logitsOf: Segmenter['logits'],
) {
  const { imageSize, inChannels } = resolveVitConfig(model);
  const needed = (all: NamedTensors) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !isAuxiliary(name)));
  const program = await compileForward(
    (params: Record<string, tf.Tensor>, { windows }: { windows: tf.Tensor }) => ({
      logits: logitsOf(params, windows),
    }),
    {
      params: needed(params),
      inputs: { windows: { dtype: 'float32', shape: [batchSize, ...imageSize, inChannels] } },
    },
    engine,
  );
  return {
    logits: async (windows: HostTensor): Promise<HostTensor> => (await program.run({ windows })).logits,
    setParams: (params: NamedTensors) => program.writeState(needed(params)),
    dispose: () => program.dispose(),
  };
}
