/** The batch in equal micro-batches, the largest that are no larger than `most`. */
export function microBatches(batchSize: number, most: number): { batchSize: number; microBatchSize: number } {
  let microBatchSize = Math.min(batchSize, most);
  while (batchSize % microBatchSize !== 0) microBatchSize--;
  return { batchSize, microBatchSize };
}
