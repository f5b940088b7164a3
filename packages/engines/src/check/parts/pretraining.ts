import { type CompileOptions, compile } from '@beit/compile';
import { createRandomMasking, toMaskedPositions } from '@beit/masking';
import { createMim, pretrainStep } from '@beit/mim';
import { adamW, trainState } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { HostTensor } from '@beit/tensors';
import { createVit, drawDropPathKeeps, type VitConfig } from '@beit/vit';

/** A step of BEiT's pre-training, but for its batch. */
export interface Pretraining {
  readonly model: VitConfig;
  /** Visual tokens that there are. */
  readonly vocabSize: number;
  /** Masked patches of an image. */
  readonly numMasked: number;
}

const LEARNING_RATE = 1e-4;
/** Images that are drawn; a larger batch has them again. What is in them makes no difference to a step's time. */
const DRAWN_IMAGES = 16;

/** The program, its initial state and what goes into it: the same at every call. */
export function createPretraining({ model, vocabSize, numMasked }: Pretraining) {
  const vit = createVit(model);
  const mim = createMim({ backbone: vit, vocabSize });
  const optimizer = adamW({ betas: [0.9, 0.999], weightDecay: 0.05, clipNorm: 3 });
  const step = pretrainStep(mim, optimizer);
  const state = trainState(mim.init(createRandom('check', 'params')), optimizer);

  function inputs(batchSize: number) {
    const { imageSize } = vit.config;
    const [rows, columns] = vit.gridSize;
    const random = createRandom('check', 'batch');
    const masking = createRandomMasking({ gridSize: [rows, columns], numMaskingPatches: numMasked });
    const masks = Array.from({ length: batchSize }, () => masking.generate(random));
    const { shape, positions, weights } = toMaskedPositions(masks, masking.maxMasked);
    const [height, width] = imageSize;
    const pixels = height * width * 3;
    const images = new Float32Array(batchSize * pixels);
    const drawn = Float32Array.from({ length: Math.min(batchSize, DRAWN_IMAGES) * pixels }, () =>
      random.normal(),
    );
    for (let at = 0; at < images.length; at += drawn.length) {
      images.set(drawn.subarray(0, images.length - at), at);
    }
    const tokens = Int32Array.from({ length: batchSize * rows * columns }, () =>
      random.integer(0, vocabSize - 1),
    );
    const batch = {
      images: { dtype: 'float32', shape: [batchSize, height, width, 3], data: images },
      visualTokens: { dtype: 'int32', shape: [batchSize, rows * columns], data: tokens },
      masked: {
        positions: { dtype: 'int32', shape, data: positions },
        weights: { dtype: 'float32', shape, data: weights },
      },
      dropPathKeeps: drawDropPathKeeps(vit.config, batchSize, random),
    } as const satisfies Record<string, HostTensor | Record<string, HostTensor>>;
    return (index: number) => ({ batch, scalars: optimizer.scalars(index, LEARNING_RATE) });
  }

  return {
    state,
    inputs,
    compile: (batchSize: number, options: CompileOptions) =>
      compile(step, { state, inputs: inputs(batchSize)(0) }, options),
  };
}
