import { cosineSchedule, type Schedule } from '@beit/optim';

export interface DvaeScheduleConfig {
  readonly totalSteps: number;
  /** β rises from 0 to this over `klWarmupSteps`. DALL-E: 6.6, 5,000. */
  readonly klWeight: number;
  readonly klWarmupSteps: number;
  /** From 1 down to this over `temperatureSteps`. DALL-E: 1/16, 150,000. */
  readonly finalTemperature: number;
  readonly temperatureSteps: number;
  /** From the first to the second over `totalSteps`. DALL-E: 1e-4 to 1.25e-6 over 1,200,000. */
  readonly learningRate: readonly [number, number];
  /** Linear warm-up from 0; the paper has none. Default 0. */
  readonly warmupSteps?: number;
}

/** DALL-E's own, appendix A.2: 3,000,000 updates of 512 images. */
export const DALL_E_SCHEDULES: DvaeScheduleConfig = {
  totalSteps: 1_200_000,
  klWeight: 6.6,
  klWarmupSteps: 5_000,
  finalTemperature: 1 / 16,
  temperatureSteps: 150_000,
  learningRate: [1e-4, 1.25e-6],
};

/** Along half a cosine from `from` to `to` over `steps`, then constant. */
const cosine =
  (from: number, to: number, steps: number): Schedule =>
  (step) =>
    to + 0.5 * (from - to) * (1 + Math.cos(Math.PI * Math.min(1, steps === 0 ? 1 : step / steps)));

/** The three cosine schedules of the paper, by 0-based step. */
export function dvaeSchedules(
  config: DvaeScheduleConfig,
): Record<'klWeight' | 'temperature' | 'learningRate', Schedule> {
  const {
    totalSteps,
    klWeight,
    klWarmupSteps,
    finalTemperature,
    temperatureSteps,
    learningRate,
    warmupSteps = 0,
  } = config;
  return {
    klWeight: cosine(0, klWeight, klWarmupSteps),
    temperature: cosine(1, finalTemperature, temperatureSteps),
    learningRate: cosineSchedule({ peak: learningRate[0], final: learningRate[1], totalSteps, warmupSteps }),
  };
}
