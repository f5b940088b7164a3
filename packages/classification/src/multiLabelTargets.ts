import type { HostTensor } from '@beit/tensors';
import { assertLabels } from './assertLabels';
import type { TargetOptions } from './softTargets';

/** Labels are not smoothed: each class has a probability of its own, and none to share with others. */
export type MultiLabelTargetOptions = Omit<TargetOptions, 'labelSmoothing'>;

/**
 * What a batch of images with any number of classes each is trained towards, `[batch, numClasses]`: 1 for the classes of an
 * image, 0 for the others; of mixed images the mean of both, weighted as their pixels are.
 *
 * @param labels of each image its class indices
 * @throws RangeError for a label that is no class
 */
export function multiLabelTargets(
  labels: readonly ArrayLike<number>[],
  { numClasses, mix }: MultiLabelTargetOptions,
): HostTensor {
  const batch = labels.length;
  const data = new Float32Array(batch * numClasses);
  const share = mix?.share ?? 1;
  for (const [i, own] of labels.entries()) {
    assertLabels(own, numClasses);
    const other = batch - 1 - i;
    for (const label of new Set(Array.from(own))) {
      data[i * numClasses + label]! += share;
      data[other * numClasses + label]! += 1 - share;
    }
  }
  return { dtype: 'float32', shape: [batch, numClasses], data };
}
