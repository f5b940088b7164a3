import { spread } from '@beit/experiments';
import { type EfficiencySettings, efficiencyPlan, STARTS } from '../src/experiments/efficiencyPlan';
import { efficiencyFigure, efficiencyPage } from '../src/experiments/efficiencyReport';
import { type Curve, efficiencySummary, epochsTo } from '../src/experiments/efficiencySummary';

const SETTINGS: EfficiencySettings = {
  seeds: [0, 1],
  pretrainings: 2,
  heldOutShare: 0.25,
  imagesPerClass: [15, 60],
  tokenizerEpochs: 1,
  pretrainingEpochs: 2,
  finetuningEpochs: 5,
  learningRate: { pretrained: 1e-3, scratch: 2e-3 },
  layerDecay: 0.75,
  labelShares: [1, 0.5],
};

test('the plan pre-trains first, and differs between starts in the start alone', () => {
  const { pretraining, finetuning } = efficiencyPlan('/runs', SETTINGS, ['--engine', 'tfjs']);
  expect(pretraining.length).toBe(6);
  // The first makes the tokenizer that others take.
  const random = pretraining.find(({ args }) => args.includes('random'))!;
  expect(random.needs).toEqual(['/runs/beit-seed-0']);
  expect(random.args).toEqual(
    expect.arrayContaining(['--tokenizer', '/runs/beit-seed-0/tokenizer.safetensors', '--masking', 'random']),
  );
  const all = [...pretraining, ...finetuning];
  expect(new Set(all.map(({ folder }) => folder)).size).toBe(all.length);
  expect(finetuning.find(({ start, seed }) => start === 'beit' && seed === 1)!.args).toContain(
    '/runs/beit-seed-1',
  );
  const one = efficiencyPlan('/runs', { ...SETTINGS, pretrainings: 1 }, []);
  expect(one.pretraining.map(({ needs }) => needs.length)).toEqual([0, 0, 1]);
  expect(one.finetuning.find(({ start, seed }) => start === 'beit' && seed === 1)!.args).toContain(
    '/runs/beit-seed-0',
  );
  // Four starts, a long and a short one, one with a fifth of the labels, and two starts at one more share of them.
  expect(finetuning.length).toBe(2 * (4 + 1 + 1 + 1 + 2));
  const ofRecipe = (start: string) => {
    const { recipe } = finetuning.find((job) => job.start === start && job.seed === 0)!;
    const { name, start: _, learningRate, layerDecay, ...same } = recipe!.json as Record<string, unknown>;
    return { same, rates: [learningRate, layerDecay] };
  };
  for (const start of STARTS) expect(ofRecipe(start).same).toEqual(ofRecipe('scratch').same);
  expect(ofRecipe('scratch').rates).toEqual([2e-3, 1]);
  expect(ofRecipe('pixels').rates).toEqual([1e-3, 0.75]);
});

/** Scratch gets to 50 and 60 percent, BEiT to 70 and 80, the others in between. */
const curves: Curve[] = [0, 1].flatMap((seed) => {
  const curve = (start: Curve['start'], top: number, share = 1, epochs = 5): Curve => ({
    start,
    seed,
    share,
    epochs,
    top1: Array.from({ length: Math.round(epochs) }, (_, i) => (top * (i + 1)) / Math.round(epochs)),
    top5: new Array(Math.round(epochs)).fill(0.9),
    loss: new Array(Math.round(epochs)).fill(2.5),
  });
  const more = seed / 10;
  return [
    curve('scratch', 0.5 + more),
    curve('beit', 0.7 + more),
    curve('random', 0.65 + more),
    curve('pixels', 0.6 + more),
    curve('scratch', 0.6 + more, 1, 15),
    curve('beit', 0.4 + more, 1, 1),
    curve('beit', 0.55, 0.2),
    curve('scratch', 0.15, 0.5),
    curve('beit', 0.6, 0.5),
  ];
});

test('the summary is of means over seeds, with their deviations', () => {
  const summary = efficiencySummary(curves, 5);
  expect(summary.scratchBest).toBeCloseTo(0.55, 12);
  expect(summary.scratchBestSd).toBeCloseTo(Math.sqrt(0.005), 12);
  expect(summary.scratchLongerBest).toBeCloseTo(0.65, 12);
  expect(summary.beitBest).toBeCloseTo(0.75, 12);
  expect(summary.blockwiseMinusRandom).toBeCloseTo(0.05, 12);
  expect(summary.blockwiseMinusRandomSd).toBeCloseTo(0, 12);
  expect(summary.tokensMinusPixels).toBeCloseTo(0.1, 12);
  expect(summary.beitInFifthOfEpochs).toBeCloseTo(0.45, 12);
  expect(summary.beitAtFifthOfLabels).toBeCloseTo(0.55, 12);
  // 0.7 * 4 / 5 is the first above 0.5, and 0.8 * 4 / 5 above 0.6: the fourth epoch of five.
  expect(summary.epochsToScratchBest).toBeCloseTo(0.8, 12);
  // Scratch gets to 60 and 70 in 15 epochs, BEiT in its fifth: 0.7 * 5 / 5 and 0.8 * 5 / 5 are the first at or above.
  expect(summary.epochsToScratchLongerBest).toBeCloseTo(5 / 15, 12);
  expect(spread([3]).sd).toBe(0);
});

test('an accuracy that is never reached is no epoch', () => {
  const [scratch] = curves;
  expect(epochsTo(scratch!, 0.51)).toBeUndefined();
  const weak = curves.map((curve) =>
    curve.start === 'beit' ? { ...curve, top1: curve.top1.map((x) => x / 2) } : curve,
  );
  expect(efficiencySummary(weak, 5).epochsToScratchBest).toBeNull();
});

test('a run that is missing is an error that names it', () => {
  expect(() =>
    efficiencySummary(
      curves.filter(({ start }) => start !== 'pixels'),
      5,
    ),
  ).toThrow(/no run of 'pixels' with seed 0/);
});

test('the page has all figures and says what was not reached', () => {
  const result = {
    summary: efficiencySummary(curves, 5),
    settings: SETTINGS,
    images: { train: 883, validation: 287 },
    classes: 40,
    environment: '2 cores',
    curves,
  };
  const page = efficiencyPage(result);
  expect(page).toMatch(
    /\| from scratch \| 55\.0 ± 7\.1 \| 55\.0 ± 7\.1 \| 90\.0 ± 0\.0 \| 2\.500 ± 0\.000 \|/,
  );
  expect(page).toMatch(/at most a fifth of its epochs: \*\*no\*\*, 0\.800 ± 0\.000/);
  expect(page).toMatch(/at least as good as scratch with all of them: \*\*yes\*\*, 55\.0 against 55\.0 %/);
  expect(page).toMatch(/\| from scratch, 15 epochs \| 65\.0 ± 7\.1 \|/);
  expect(page).toMatch(/blockwise masks are better than random ones: \*\*yes\*\*, by 5\.0 ± 0\.0 points/);
  expect(page).toMatch(/\| BEiT \| 75\.0 ± 7\.1 \| 60\.0 ± 0\.0 \| 55\.0 ± 0\.0 \|/);
  expect(page).not.toMatch(/NaN|undefined/);
  const figure = efficiencyFigure(result);
  expect(figure.match(/class="band"/g)?.length).toBe(6);
  expect(figure).not.toMatch(/NaN|undefined/);
});
