import type { EngineOptions } from '@beit/cli';
import { compileForward } from '@beit/compile';
import type { Segmenter, WindowModel } from '@beit/segmentation';
import type { NamedTensors } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import { isAuxiliary } from './model';

/** Windows in one call: of 64 pixels some, of 512 one. */
const PIXELS_A_CALL = 8 * 64 ** 2;

export interface CompiledWindows extends WindowModel {
  /** Takes other parameters; those of auxiliary heads are left aside. */
  setParams(params: NamedTensors): Promise<void>;
  dispose(): Promise<void>;
}

/** A segmenter as `segmentImage` of `@beit/segmentation` asks for it, compiled once. */
export async function openWindows(
  segmenter: Segmenter,
  windowSize: number,
  params: NamedTensors,
  engine: EngineOptions,
): Promise<CompiledWindows> {
  const needed = (all: NamedTensors) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !isAuxiliary(name)));
  const batchSize = Math.max(1, Math.floor(PIXELS_A_CALL / windowSize ** 2));
  const program = await compileForward(
    (params: Record<string, tf.Tensor>, { windows }: { windows: tf.Tensor }) => ({
      logits: segmenter.logits(params, windows),
    }),
    {
      params: needed(params),
      inputs: { windows: { dtype: 'float32', shape: [batchSize, windowSize, windowSize, 3] } },
    },
    engine,
  );
  return {
    windowSize,
    numClasses: segmenter.numClasses,
    batchSize,
    logits: async (windows) => (await program.run({ windows })).logits,
    setParams: (params) => program.writeState(needed(params)),
    dispose: () => program.dispose(),
  };
}
