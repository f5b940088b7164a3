import { cosineSchedule, type Schedule } from '@beit/optim';

export interface DvaeScheduleConfig {
  /** Updates in all. DALL-E: 3,000,000, of 512 images each. */
  readonly totalSteps: number;
  /** β rises from 0 to this over `klWarmupSteps`. DALL-E: 6.6, 5,000. */
  readonly klWeight: number;
  readonly klWarmupSteps: number;
  /** From 1 down to this over `temperatureSteps`. DALL-E: 1/16, 150,000. */
  readonly finalTemperature: number;
  readonly temperatureSteps: number;
  /** From the first to the second over `learningRateSteps`. DALL-E: 1e-4 to 1.25e-6 over 1,200,000. */
  readonly learningRate: readonly [number, number];
  /** Default: `totalSteps`. */
  readonly learningRateSteps?: number;
  /** Linear warm-up of the learning rate from 0, part of `learningRateSteps`; the paper has none. Default 0. */
  readonly warmupSteps?: number;
}

/** DALL-E's own, appendix A.2. */
export const DALL_E_SCHEDULES: DvaeScheduleConfig = {
  totalSteps: 3_000_000,
  klWeight: 6.6,
  klWarmupSteps: 5_000,
  finalTemperature: 1 / 16,
  temperatureSteps: 150_000,
  learningRate: [1e-4, 1.25e-6],
  learningRateSteps: 1_200_000,
};

/** The same schedules for a run of another length: every number of steps grows or shrinks with it, to at least 1. */
export function scaleDvaeSchedules(config: DvaeScheduleConfig, totalSteps: number): DvaeScheduleConfig {
  const scaled = (steps: number) =>
    steps === 0 ? 0 : Math.max(1, Math.round((steps * totalSteps) / config.totalSteps));
  const { klWarmupSteps, temperatureSteps, learningRateSteps = config.totalSteps, warmupSteps = 0 } = config;
  return {
    ...config,
    totalSteps,
    klWarmupSteps: scaled(klWarmupSteps),
    temperatureSteps: scaled(temperatureSteps),
    learningRateSteps: scaled(learningRateSteps),
    warmupSteps: scaled(warmupSteps),
  };
}

/** Along half a cosine from `from` to `to` over `steps`, then constant. */
const cosine =
  (from: number, to: number, steps: number): Schedule =>
  (step) =>
    to + 0.5 * (from - to) * (1 + Math.cos(Math.PI * Math.min(1, steps === 0 ? 1 : step / steps)));

/**
 * The three cosine schedules of the paper, by 0-based step.
 *
 * @throws RangeError for numbers of steps or a temperature that make no sense
 */
export function dvaeSchedules(
  config: DvaeScheduleConfig,
): Record<'klWeight' | 'temperature' | 'learningRate', Schedule> {
  const { totalSteps, klWeight, klWarmupSteps, finalTemperature, temperatureSteps, learningRate } = config;
  const { learningRateSteps = totalSteps, warmupSteps = 0 } = config;
  for (const [name, steps] of Object.entries({ totalSteps, klWarmupSteps, temperatureSteps })) {
    if (!Number.isSafeInteger(steps) || steps < 0)
      throw new RangeError(`${name} is ${steps}; expected a non-negative integer.`);
  }
  if (!(finalTemperature > 0)) {
    throw new RangeError(
      `finalTemperature is ${finalTemperature}; expected a positive number, such as 1 / 16.`,
    );
  }
  const [peak, final] = learningRate;
  const decay = cosineSchedule({ peak, final, totalSteps: learningRateSteps, warmupSteps });
  return {
    klWeight: cosine(0, klWeight, klWarmupSteps),
    temperature: cosine(1, finalTemperature, temperatureSteps),
    learningRate: (step) => (step < learningRateSteps ? decay(step) : final),
  };
}
