/**
 * Means and variances of batch normalizations are among the parameters, under torch's names or those of `tf.layers`. No
 * optimizer trains them: a loss returns their next values among its outputs, under the same names, and the step takes
 * these over.
 */
export const isRunningStatistic = (name: string): boolean =>
  /(^|\.)running_(mean|var)$|\/moving_(mean|variance)(_\d+)?$/.test(name);

/** What is a running statistic, and the rest. */
export function splitStatistics<T>(tensors: Readonly<Record<string, T>>): {
  statistics: Record<string, T>;
  rest: Record<string, T>;
} {
  const [statistics, rest]: [Record<string, T>, Record<string, T>] = [{}, {}];
  for (const [name, tensor] of Object.entries(tensors)) {
    (isRunningStatistic(name) ? statistics : rest)[name] = tensor;
  }
  return { statistics, rest };
}
