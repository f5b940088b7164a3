import { type RankWork, ringAllReduce } from './predict';

/** Hardware that is not at hand. */
export interface Hardware {
  /** That one device trains on a second, alone. */
  readonly imagesPerSecond: number;
  /** Bytes a second between the device's memory and the host's. */
  readonly copyBandwidth: number;
  /** A rank's, with the state on them, which is what the engine xla does. Left out: one, which gets parameters from the host. */
  readonly devices?: Devices;
}

/** Devices of one machine, between which nothing goes over the host. */
export interface Devices {
  readonly count: number;
  /** Bytes a second that each sends to the others, while it receives as many. */
  readonly bandwidth: number;
}

/** Bytes a second of PCI Express 3.0 with 16 lanes, each way: 8 GT/s a lane, 128 bits in 130. */
export const PCIE_3_X16 = (16 * 8e9 * (128 / 130)) / 8;

/** Bytes a second of an H100's or H200's NVLink, each way: https://www.nvidia.com/en-us/data-center/h200/ has both, 900 GB/s. */
export const NVLINK = 450e9;

/** Seconds of one message between devices of a machine, assumed. */
const DEVICE_LATENCY = 10e-6;

/** Seconds of one message between machines, where nothing else is said: what TCP in one data centre is within. */
export const LATENCY = 50e-6;

/**
 * New parameters to the host and into the program of gradients, means into the update, zeros in place of gradients. With the
 * state on devices: the means alone.
 */
const COPIES_AFTER = { host: 4, devices: 1 };

/**
 * The work of a rank from the known rate of a device, which has the optimizer in it; what is copied for the exchange, and
 * after every micro-batch the sums over the devices, come on top.
 */
export function hardwareWork(
  { imagesPerSecond, copyBandwidth, devices }: Hardware,
  microBatchSize: number,
  together: boolean,
  { gradientBytes, bucketBytes }: { readonly gradientBytes: number; readonly bucketBytes: number },
): RankWork {
  const { count, bandwidth } = devices ?? { count: 1, bandwidth: Number.POSITIVE_INFINITY };
  const sums = ringAllReduce(gradientBytes, count, { bandwidth, latency: DEVICE_LATENCY });
  const compute = microBatchSize / (count * imagesPerSecond) + sums;
  if (!together) return { compute, firstCopy: 0, otherCopies: 0, update: 0 };
  const first = Math.min(gradientBytes, bucketBytes);
  return {
    compute,
    firstCopy: first / copyBandwidth,
    otherCopies: (gradientBytes - first) / copyBandwidth,
    update: (COPIES_AFTER[devices ? 'devices' : 'host'] * gradientBytes) / copyBandwidth,
  };
}
