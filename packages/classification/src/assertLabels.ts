/**
 * @param labels class indices
 * @throws RangeError for the first label that is no class
 */
export function assertLabels(labels: ArrayLike<number>, numClasses: number): void {
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= numClasses) {
      throw new RangeError(`Label ${i} is ${label}; expected a class from 0 to ${numClasses - 1}.`);
    }
  }
}
