import { median } from '@beit/measurements';

/** Before the measured ones: memory is touched for the first time. */
const WARM_UP_STEPS = 2;
const MOST_STEPS = 20;
const FEWEST_STEPS = 3;
/** Enough for a median. */
const ENOUGH_SECONDS = 4;

/** The median time of a step, in seconds, of as many as are worth waiting for. */
export async function timeSteps(
  step: (index: number) => Promise<void>,
): Promise<{ seconds: number; steps: number }> {
  for (let i = 0; i < WARM_UP_STEPS; i++) await step(i);
  const times: number[] = [];
  const begin = performance.now();
  const isEnough = () =>
    times.length >= MOST_STEPS ||
    (times.length >= FEWEST_STEPS && performance.now() - begin > 1000 * ENOUGH_SECONDS);
  while (!isEnough()) {
    const start = performance.now();
    await step(WARM_UP_STEPS + times.length);
    times.push((performance.now() - start) / 1000);
  }
  return { seconds: median(times), steps: times.length };
}
