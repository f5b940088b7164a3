import { assertHostTensor, type HostTensor } from '@beit/tensors';

/**
 * That there are logits `[images, numClasses]` of so many images.
 *
 * @throws RangeError when there are not, or one is NaN, by which no class would win
 */
export function assertLogits(
  logits: HostTensor,
  labelled: number,
): { readonly images: number; readonly numClasses: number } {
  const [images, numClasses] = logits.shape as readonly [number, number];
  if (logits.shape.length !== 2 || labelled !== images) {
    throw new RangeError(
      `Logits [${logits.shape}] and ${labelled} labels; expected logits [${labelled}, numClasses].`,
    );
  }
  assertHostTensor('logits', logits);
  for (let i = 0; i < images; i++) {
    const row = logits.data.subarray(i * numClasses, (i + 1) * numClasses);
    if (row.some(Number.isNaN))
      throw new RangeError(
        `The logits of image ${i} are [${row}]; expected numbers: the model has diverged.`,
      );
  }
  return { images, numClasses };
}
