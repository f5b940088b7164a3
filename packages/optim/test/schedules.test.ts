import fc from 'fast-check';
import { cosineSchedule, linearSchedule } from '../src/schedules';

/** A transcription of unilm's cosine_scheduler with numpy's linspace and arange written out. */
function official(base: number, final: number, totalSteps: number, warmup: number, start = 0): number[] {
  const ramp = Array.from({ length: warmup }, (_, i) =>
    i === 0 ? start : i === warmup - 1 ? base : start + (i * (base - start)) / (warmup - 1),
  );
  const n = totalSteps - warmup;
  const decay = Array.from(
    { length: n },
    (_, i) => final + 0.5 * (base - final) * (1 + Math.cos((Math.PI * i) / n)),
  );
  return [...ramp, ...decay];
}

test('cosine: every value of the official schedule', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.nat(60),
      fc.double({ min: 1e-5, max: 1, noNaN: true }),
      (total, w, peak) => {
        const warmupSteps = Math.min(w, total);
        const schedule = cosineSchedule({ peak, final: 1e-5, totalSteps: total, warmupSteps });
        official(peak, 1e-5, total, warmupSteps).forEach((value, step) => {
          expect(schedule(step)).toBeCloseTo(value, 12);
        });
      },
    ),
  );
});

test('cosine: rises from 0, has its peak twice, then falls, and stays above the minimum', () => {
  const schedule = cosineSchedule({ peak: 1.5e-3, final: 1e-5, totalSteps: 100, warmupSteps: 10 });
  const values = Array.from({ length: 100 }, (_, step) => schedule(step));
  expect(values[0]).toBe(0);
  expect([values[9], values[10]]).toEqual([1.5e-3, 1.5e-3]);
  for (let i = 1; i < 10; i++) expect(values[i]).toBeGreaterThan(values[i - 1]!);
  for (let i = 11; i < 100; i++) expect(values[i]).toBeLessThan(values[i - 1]!);
  expect(values[99]).toBeGreaterThan(1e-5);
  // numpy: final + 0.5 * (base - final) * (1 + cos(pi * 45 / 90))
  expect(values[55]).toBeCloseTo((1.5e-3 + 1e-5) / 2, 12);
});

test('a warm-up of one step is its start', () => {
  expect(cosineSchedule({ peak: 1, final: 0, totalSteps: 3, warmupSteps: 1 })(0)).toBe(0);
});

test("linear: mmcv's numbers for BEiT on ADE20K", () => {
  const schedule = linearSchedule({ peak: 3e-5, totalSteps: 160000, warmupSteps: 1500 });
  expect(schedule(0)).toBeCloseTo(3e-5 * 1e-6, 15);
  // regular = 3e-5 * (1 - 750/160000); factor = 1 - 0.5 * (1 - 1e-6)
  expect(schedule(750)).toBeCloseTo(3e-5 * (1 - 750 / 160000) * (1 - 0.5 * (1 - 1e-6)), 15);
  expect(schedule(1500)).toBeCloseTo(3e-5 * (1 - 1500 / 160000), 15);
  expect(schedule(159999)).toBeCloseTo(3e-5 / 160000, 15);
});

test('steps and settings that make no sense are errors', () => {
  const schedule = cosineSchedule({ peak: 1, final: 0, totalSteps: 10 });
  expect(() => schedule(10)).toThrow(/Step 10 is not on the schedule; expected an integer from 0 to 9/);
  expect(() => schedule(-1)).toThrow(/Step -1/);
  expect(() => cosineSchedule({ peak: 1, final: 0, totalSteps: 0 })).toThrow(/totalSteps is 0/);
  expect(() => linearSchedule({ peak: 1, totalSteps: 5, warmupSteps: 6 })).toThrow(/warmupSteps is 6/);
});
