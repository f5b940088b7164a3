import type { ProgressUpdate } from '@beit/trainer';

/** How far a pass is, for a progress bar. @param unit of its steps, where they are not images */
export function passProgress(name: string, update: (update: ProgressUpdate) => void, unit?: string) {
  const began = performance.now();
  return (step: number, totalSteps: number) => {
    const imagesPerSecond = (1000 * step) / (performance.now() - began);
    update({
      name,
      step,
      totalSteps,
      metrics: {},
      imagesPerSecond,
      ...(unit !== undefined && { unit }),
      secondsLeft: (totalSteps - step) / imagesPerSecond,
    });
  };
}
