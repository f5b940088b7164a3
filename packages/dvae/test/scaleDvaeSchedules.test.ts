import { DALL_E_SCHEDULES, dvaeSchedules, scaleDvaeSchedules } from '../src/schedules';

test('a shorter run goes through the same values at the same shares of it', () => {
  const short = scaleDvaeSchedules(DALL_E_SCHEDULES, 30_000);
  expect(short).toMatchObject({ totalSteps: 30_000, klWarmupSteps: 50, temperatureSteps: 1500 });
  const [paper, ours] = [dvaeSchedules(DALL_E_SCHEDULES), dvaeSchedules(short)];
  for (const step of [0, 10, 25, 49, 700, 1499, 5000, 11_999, 12_000, 29_999]) {
    for (const name of ['klWeight', 'temperature', 'learningRate'] as const) {
      expect(ours[name](step)).toBeCloseTo(paper[name](100 * step), 9);
    }
  }
});

test('no ramp vanishes but those that were not there', () => {
  const tiny = scaleDvaeSchedules({ ...DALL_E_SCHEDULES, klWarmupSteps: 0 }, 100);
  expect(tiny).toMatchObject({
    klWarmupSteps: 0,
    temperatureSteps: 5,
    learningRateSteps: 40,
    warmupSteps: 0,
  });
  expect(scaleDvaeSchedules(DALL_E_SCHEDULES, 100).klWarmupSteps).toBe(1);
});

test('the learning rate stays at its last value, for 1,800,000 of the 3,000,000 updates of the paper', () => {
  const { learningRate } = dvaeSchedules(DALL_E_SCHEDULES);
  expect(learningRate(1_200_000)).toBe(1.25e-6);
  expect(learningRate(2_999_999)).toBe(1.25e-6);
});

test.each([
  [{ klWarmupSteps: -1 }, 'klWarmupSteps is -1'],
  [{ temperatureSteps: 0.5 }, 'temperatureSteps is 0.5'],
  [{ finalTemperature: 0 }, 'finalTemperature is 0; expected a positive number'],
])('%j is refused', (change, message) => {
  expect(() => dvaeSchedules({ ...DALL_E_SCHEDULES, ...change })).toThrow(message);
});
