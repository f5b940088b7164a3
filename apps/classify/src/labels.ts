import {
  classCounts,
  type MultiLabelTargetOptions,
  multiLabelTargets,
  softTargets,
  type TargetOptions,
} from '@beit/classification';
import type { ImageSource, LabelSets } from '@beit/data';
import type { HostTensor } from '@beit/tensors';

/** Of each image its class; or, where any number of classes may be in one, all of them. */
export type Labels = Int32Array | LabelSets;

/** Images, and of each an index into the classes, or several. */
export interface Labelled {
  readonly source: ImageSource;
  readonly labels: Labels;
}

/** The labels of some of the images, in this order. */
export const chosenLabels = (labels: Labels, indices: readonly number[]): Labels =>
  labels instanceof Int32Array
    ? Int32Array.from(indices, (index) => labels[index]!)
    : indices.map((index) => labels[index]!);

/** Numbers of images that have each class. */
export const countsOf = (labels: Labels, numClasses: number): number[] =>
  classCounts(labels instanceof Int32Array ? labels : labels.flat(), numClasses);

/** What a batch is trained towards, `[batch, numClasses]`. */
export const targetsOf = (labels: Labels, options: TargetOptions & MultiLabelTargetOptions): HostTensor =>
  labels instanceof Int32Array ? softTargets(labels, options) : multiLabelTargets(labels, options);

/** Labels of which every image has one. @throws for others, of which `what` makes nothing */
export function singleLabels(labels: Labels, what: string): Int32Array {
  if (labels instanceof Int32Array) return labels;
  throw new Error(`${what} is for one label of each picture; these have any number.`);
}
