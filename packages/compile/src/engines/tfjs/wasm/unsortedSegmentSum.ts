import * as tf from '@tensorflow/tfjs';
import { composed } from './composed';

/** Sums of rows by segment; rows of no segment, whose id is out of range, go to one more that is cut off. */
export const unsortedSegmentSum = composed<{ readonly numSegments: number }>(
  ({ x, segmentIds }, { numSegments }) => {
    const inRange = tf.logicalAnd(tf.greaterEqual(segmentIds!, 0), tf.less(segmentIds!, numSegments));
    const ids = tf.where(inRange, segmentIds!, tf.scalar(numSegments, 'int32'));
    const row = x!.shape.slice(ids.rank);
    const sums = tf.scatterND(tf.reshape(ids, [-1, 1]), tf.reshape(x!, [-1, ...row]), [
      numSegments + 1,
      ...row,
    ]);
    return tf.slice(sums, 0, numSegments);
  },
);
