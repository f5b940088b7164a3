import type { RankWork } from './predict';

/** Hardware that is not at hand. */
export interface Hardware {
  /** That one rank trains on a second, alone. */
  readonly imagesPerSecond: number;
  /** Bytes a second between the device's memory and the host's. */
  readonly copyBandwidth: number;
}

/** Bytes a second of PCI Express 3.0 with 16 lanes, each way: 8 GT/s a lane, 128 bits in 130. */
export const PCIE_3_X16 = (16 * 8e9 * (128 / 130)) / 8;

/** Seconds of one message between machines, where nothing else is said: what TCP in one data centre is within. */
export const LATENCY = 50e-6;

/** New parameters to the host and into the program of gradients, means into the update, zeros in place of gradients. */
const COPIES_AFTER = 4;

/** The work of a rank from its known rate, which has the optimizer in it; what is copied for the exchange comes on top. */
export function hardwareWork(
  { imagesPerSecond, copyBandwidth }: Hardware,
  microBatchSize: number,
  together: boolean,
  { gradientBytes, bucketBytes }: { readonly gradientBytes: number; readonly bucketBytes: number },
): RankWork {
  const compute = microBatchSize / imagesPerSecond;
  if (!together) return { compute, firstCopy: 0, otherCopies: 0, update: 0 };
  const first = Math.min(gradientBytes, bucketBytes);
  return {
    compute,
    firstCopy: first / copyBandwidth,
    otherCopies: (gradientBytes - first) / copyBandwidth,
    update: (COPIES_AFTER * gradientBytes) / copyBandwidth,
  };
}
