import type { ProgressUpdate } from '@beit/trainer';

/** How far a pass is, for a progress bar. */
export function passProgress(name: string, update: (update: ProgressUpdate) => void) {
  const began = performance.now();
  return (step: number, totalSteps: number) => {
    const imagesPerSecond = (1000 * step) / (performance.now() - began);
    update({
      name,
      step,
      totalSteps,
      metrics: {},
      imagesPerSecond,
      secondsLeft: (totalSteps - step) / imagesPerSecond,
    });
  };
}
