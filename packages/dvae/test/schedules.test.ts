import { DALL_E_SCHEDULES, dvaeSchedules } from '../src/schedules';

const { klWeight, temperature, learningRate } = dvaeSchedules(DALL_E_SCHEDULES);

test('begin and end where the paper says, and stay there', () => {
  expect(klWeight(0)).toBe(0);
  expect(klWeight(5_000)).toBeCloseTo(6.6, 12);
  expect(klWeight(1_000_000)).toBeCloseTo(6.6, 12);
  expect(temperature(0)).toBe(1);
  expect(temperature(150_000)).toBeCloseTo(1 / 16, 12);
  expect(temperature(1_100_000)).toBeCloseTo(1 / 16, 12);
  expect(learningRate(0)).toBeCloseTo(1e-4, 9);
  expect(learningRate(1_199_999)).toBeCloseTo(1.25e-6, 9);
});

test('half of the way is half of the change', () => {
  expect(klWeight(2_500)).toBeCloseTo(3.3, 9);
  expect(temperature(75_000)).toBeCloseTo((1 + 1 / 16) / 2, 9);
});

test('move one way', () => {
  for (let i = 0; i < 1000; i++) {
    expect(klWeight(5 * i + 5)).toBeGreaterThan(klWeight(5 * i));
    expect(temperature(150 * i + 150)).toBeLessThan(temperature(150 * i));
    expect(learningRate(1200 * i + 1199)).toBeLessThan(learningRate(1200 * i));
  }
});

test('a warm-up starts low, and a ramp of no steps is at its end', () => {
  const warm = dvaeSchedules({ ...DALL_E_SCHEDULES, totalSteps: 100, warmupSteps: 10, klWarmupSteps: 0 });
  expect(warm.learningRate(0)).toBeLessThan(warm.learningRate(5));
  expect(warm.learningRate(9)).toBeCloseTo(1e-4, 9);
  expect(warm.klWeight(0)).toBeCloseTo(6.6, 12);
});
