import type { ProgressUpdate } from './progress';

/** How far a pass over something is, as updates with its speed so far. @param unit of its steps, where they are not images */
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
