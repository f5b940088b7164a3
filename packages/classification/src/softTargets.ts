import type { HostTensor } from '@beit/tensors';
import { assertLabels } from './assertLabels';
import type { Mix } from './drawMix';

export interface TargetOptions {
  readonly numClasses: number;
  /** Probability that is spread over all classes, [0, 1). Default 0; BEiT: 0.1. */
  readonly labelSmoothing?: number;
  /** How the images were mixed; each label is mixed with that of the image in its mirrored place. */
  readonly mix?: Mix;
}

/**
 * The probabilities that a batch is trained towards, `[batch, numClasses]`.
 * Reference: timm data/mixup.py, mixup_target.
 *
 * @param labels class indices, `[batch]`
 * @throws RangeError for a label that is no class, and a share or smoothing that is no probability
 */
export function softTargets(
  labels: ArrayLike<number>,
  { numClasses, labelSmoothing = 0, mix }: TargetOptions,
): HostTensor {
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new RangeError(`labelSmoothing is ${labelSmoothing}; expected a number in [0, 1).`);
  }
  assertLabels(labels, numClasses);
  const batch = labels.length;
  const data = new Float32Array(batch * numClasses).fill(labelSmoothing / numClasses);
  const share = mix?.share ?? 1;
  if (!(share >= 0 && share <= 1))
    throw new RangeError(`mix.share is ${share}; expected a number in [0, 1].`);
  for (let i = 0; i < batch; i++) {
    for (const [label, weight] of [
      [labels[i]!, share],
      [labels[batch - 1 - i]!, 1 - share],
    ] as const) {
      data[i * numClasses + label]! += (1 - labelSmoothing) * weight;
    }
  }
  return { dtype: 'float32', shape: [batch, numClasses], data };
}
