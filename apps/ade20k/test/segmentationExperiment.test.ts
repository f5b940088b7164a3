import { type SegmentationSettings, STARTS, segmentationPlan } from '../src/experiments/segmentationPlan';
import {
  type Curve,
  segmentationFigure,
  segmentationPage,
  segmentationSummary,
} from '../src/experiments/segmentationResult';

const SETTINGS: SegmentationSettings = {
  seeds: [0, 1],
  heldOutShare: 0.25,
  tokenizerEpochs: 1,
  pretrainingEpochs: 8,
  intermediateEpochs: 10,
  imagesPerClass: [15, 60],
  training: 100,
  validation: 20,
  steps: 200,
  evaluations: 2,
};

test('runs with one seed differ in what they begin with', () => {
  const { pretraining, training } = segmentationPlan('/runs', SETTINGS, ['--engine', 'tfjs']);
  expect(pretraining.map(({ needs }) => needs)).toEqual([[], ['/runs/beit']]);
  expect(training.length).toBe(6);
  const of = (start: string) => training.find((job) => job.start === start && job.seed === 1)!;
  expect(STARTS.map((start) => of(start).needs)).toEqual([[], ['/runs/beit'], ['/runs/beit-intermediate']]);
  expect(of('beitIntermediate').args).toContain('/runs/beit-intermediate');
  expect(of('scratch').args).not.toContain('--checkpoint');
  const rest = (start: string) => {
    const { name, start: _, layerDecay, ...same } = of(start).recipe!.json as Record<string, unknown>;
    return same;
  };
  for (const start of STARTS) expect(rest(start)).toEqual(rest('scratch'));
});

const curves: Curve[] = [0, 1].flatMap((seed) =>
  STARTS.map((start, i) => ({
    start,
    seed,
    points: [
      { step: 100, mIoU: 0.1 },
      { step: 200, mIoU: 0.2 + 0.1 * i + 0.02 * seed * (i === 2 ? -3 : 1) },
    ],
    iou: { ground: 0.5, square: seed === 0 ? null : 0.4, nowhere: null },
  })),
);

test('the summary is of means over seeds and of differences within them', () => {
  const summary = segmentationSummary(curves);
  expect(summary.scratch).toBeCloseTo(0.21, 12);
  expect(summary.beitMinusScratch).toBeCloseTo(0.1, 12);
  expect(summary.beitMinusScratchSd).toBeCloseTo(0, 12);
  expect(summary.intermediateMinusBeit).toBeCloseTo(0.06, 12);
  expect(() => segmentationSummary(curves.slice(1))).toThrow("no run of 'scratch' with seed 0");
});

test('the page says what is clear and what is not', () => {
  const result = { summary: segmentationSummary(curves), settings: SETTINGS, environment: '2 cores', curves };
  const page = segmentationPage(result);
  expect(page).toMatch(/\| from scratch \| 21\.0 ± 1\.4 \|/);
  expect(page).toMatch(/better than training from scratch: \*\*yes\*\*, by 10\.0 ± 0\.0 points/);
  expect(page).toMatch(/helps further: \*\*not clearly\*\*, by 6\.0 ± 5\.7 points/);
  expect(page).toMatch(/\| square \| 40\.0 ± 0\.0 \|/);
  expect(page).toMatch(/\| nowhere \| n\/a \| n\/a \| n\/a \|/);
  expect(page + segmentationFigure(result)).not.toMatch(/NaN|undefined/);
});
