import type { Runner } from './runProgram';

/** A test whose numbers may differ. */
export interface Exception {
  readonly file: string;
  readonly test: string;
  /** Default: all. */
  readonly runners?: readonly Runner[];
  /** What is wrong in TensorFlow.js, or why it can't be otherwise. */
  readonly reason: string;
}

/** Every exception that is made. One that is needed no longer is an error. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    file: 'ops/avg_pool',
    test: 'avgPool gradient x=[3,3,1] f=[3,3] s=1 p=explicit',
    reason:
      'At pads `cpu` divides the gradient by the whole window, the value by what lies inside of the image.',
  },
  {
    file: 'ops/pool',
    test: 'pool max x=[2,2,3] f=[1,1] s=2 p=1 fractional outputs default rounding',
    reason:
      '`cpu` takes a window of one for the identity where sizes are equal, whatever its strides and pads.',
  },
  {
    file: 'ops/pool',
    test: 'pool avg x=[2,2,3] f=[1,1] s=2 p=1 fractional outputs default rounding',
    reason:
      '`cpu` takes a window of one for the identity where sizes are equal, whatever its strides and pads.',
  },
  {
    file: 'ops/avg_pool_3d',
    test: 'avgPool3d x=[1,1,1,1,1] f=[2,2,2] s=1 p=2',
    runners: ['onnx'],
    reason: "ONNX's AveragePool has no pads as large as its window; engines get another form.",
  },
];
