import type { CheckReport, ParityRow } from './rows';

/** Whether numbers are where they should be; where they are not known, they are not. */
export const isWithin = ({ error = Number.NaN, tolerance = 0 }: ParityRow): boolean => error <= tolerance;

/** Where the device adds in no fixed order, two runs come apart by rounding, which AdamW's steps enlarge. */
const ALLOWED_APART = 1e-3;
/** Sums over two devices are added in another order than over one. */
const ALLOWED_DIFFERENCE = 1e-4;

/** For what a check fails: numbers that are wrong, and of parity and checkpoints also what crashed or could not be run. */
export function failuresOf(report: Omit<CheckReport, 'failures'>): string[] {
  const { parity, resume, speed, twoDevices, errors, device } = report;
  const allowedApart = device === 'cpu' ? 0 : ALLOWED_APART;
  return [
    ...errors
      .filter(({ part, isLate }) => !isLate && /^(?:devices|parity|a checkpoint)/.test(part))
      .map(({ part }) => `${part} did not come to its end`),
    ...parity
      .filter((row) => !isWithin(row))
      .map(({ file, precision, group, error, tolerance, message }) =>
        group === undefined
          ? `${file} in ${precision}: ${message}`
          : `${file} in ${precision}: ${group} is off by ${error}, allowed is ${tolerance}`,
      ),
    ...resume
      .filter(({ changedByFile, apart }) => changedByFile > 0 || !(apart <= allowedApart))
      .map(
        ({ precision, changedByFile, apart }) =>
          `a checkpoint in ${precision}: ${changedByFile} numbers changed by the file, apart by ${apart}`,
      ),
    ...speed
      .filter(({ loss }) => !Number.isFinite(loss))
      .map(
        ({ of, precision, batchSize }) =>
          `a step of ${of} in ${precision} at batch ${batchSize} has no finite loss`,
      ),
    ...twoDevices
      .filter(({ difference }) => !(difference <= ALLOWED_DIFFERENCE))
      .map(({ precision, difference }) => `two devices in ${precision} are off by ${difference}`),
  ];
}
