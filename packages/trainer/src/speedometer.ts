export interface Speedometer {
  /** A step took so long, with the wait for its batch. */
  add(seconds: number): void;
  startWindow(): void;
  /** Smoothed, for the time left; NaN before the first step. */
  secondsPerStep(): number;
  /** Over the window, to four digits. */
  imagesPerSecond(): number;
}

const SMOOTHING = 0.9;

/** Time of loading and steps, without evaluations and checkpoints: over the window, and smoothed for the time left. */
export function speedometer(imagesPerStep: number): Speedometer {
  let smoothed: number | undefined;
  let window = { steps: 0, seconds: 0 };
  return {
    add(seconds) {
      smoothed = smoothed === undefined ? seconds : SMOOTHING * smoothed + (1 - SMOOTHING) * seconds;
      window = { steps: window.steps + 1, seconds: window.seconds + seconds };
    },
    startWindow() {
      window = { steps: 0, seconds: 0 };
    },
    secondsPerStep: () => smoothed ?? Number.NaN,
    imagesPerSecond: () => Number(((window.steps * imagesPerStep) / window.seconds).toPrecision(4)),
  };
}
