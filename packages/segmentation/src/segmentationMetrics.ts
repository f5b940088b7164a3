import { IGNORE_INDEX } from './pixelCrossEntropy';

/** Numbers of pixels by class, summed over a set of images. Plain data: those of several processes are summed by element. */
export interface PixelCounts {
  /** Labelled so and predicted so. */
  readonly hits: Float64Array;
  /** Predicted so, of the labelled ones. */
  readonly predicted: Float64Array;
  /** Labelled so. */
  readonly labelled: Float64Array;
}

/** Shares in [0, 1]. */
export interface SegmentationMetrics {
  /** Share of the labelled pixels that are right: aAcc. */
  readonly pixelAccuracy: number;
  /** Mean of `classAccuracy` over the classes that are labelled somewhere: mAcc. */
  readonly meanAccuracy: number;
  /** Mean of `iou` over the classes that are labelled or predicted somewhere. */
  readonly mIoU: number;
  /** Intersection over union of each class; NaN for a class that neither labels nor predictions have. */
  readonly iou: readonly number[];
  /** Share of each class's pixels that are right; NaN for a class that is not labelled anywhere. */
  readonly classAccuracy: readonly number[];
  /** Share of each class in the labelled pixels. */
  readonly shares: readonly number[];
}

/** Nothing counted yet. */
export const pixelCounts = (numClasses: number): PixelCounts => ({
  hits: new Float64Array(numClasses),
  predicted: new Float64Array(numClasses),
  labelled: new Float64Array(numClasses),
});

/**
 * Adds an image's pixels to `counts`, in place. Pixels labelled 255 count for nothing.
 *
 * @param predictions classes, of any number of pixels
 * @param labels as many; a class or 255
 * @throws RangeError for different numbers of pixels, or a value that is no class
 */
export function countPixels(
  { hits, predicted, labelled }: PixelCounts,
  predictions: ArrayLike<number>,
  labels: ArrayLike<number>,
): void {
  if (predictions.length !== labels.length) {
    throw new RangeError(`${predictions.length} predictions for ${labels.length} labels; expected as many.`);
  }
  const numClasses = hits.length;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label === IGNORE_INDEX) continue;
    const prediction = predictions[i]!;
    if (!(label < numClasses) || !(prediction < numClasses)) {
      throw new RangeError(
        `Pixel ${i} is labelled ${label} and predicted ${prediction}; expected classes below ${numClasses}.`,
      );
    }
    labelled[label]!++;
    predicted[prediction]!++;
    if (label === prediction) hits[label]!++;
  }
}

/**
 * The metrics of ADE20K over all that was counted, so that large images count for more.
 * Reference: mmsegmentation evaluation/metrics/iou_metric.py.
 */
export function segmentationMetrics({ hits, predicted, labelled }: PixelCounts): SegmentationMetrics {
  const pixels = sum(labelled);
  const iou = Array.from(hits, (hit, c) => hit / (labelled[c]! + predicted[c]! - hit));
  const classAccuracy = Array.from(hits, (hit, c) => hit / labelled[c]!);
  return {
    pixelAccuracy: sum(hits) / pixels,
    meanAccuracy: meanOfNumbers(classAccuracy),
    mIoU: meanOfNumbers(iou),
    iou,
    classAccuracy,
    shares: Array.from(labelled, (own) => own / pixels),
  };
}

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);

function meanOfNumbers(values: readonly number[]): number {
  const numbers = values.filter((value) => !Number.isNaN(value));
  return sum(numbers) / numbers.length;
}
