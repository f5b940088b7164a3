import { type Ledger, nameOf } from '@beit/experiments';
import { type Cifar10Job, type Cifar10Settings, cifar10Plan } from '../src/experiments/cifar10Plan';
import {
  type Cifar10Result,
  cifar10Figure,
  cifar10Page,
  cifar10Summary,
} from '../src/experiments/cifar10Report';

const SETTINGS: Cifar10Settings = {
  seeds: [0, 1, 2],
  tokenizerEpochs: 4,
  pretrainingEpochs: 50,
  otherPretrainingEpochs: [25],
  maskRatios: [0.75],
  finetuningEpochs: 20,
  longer: 4,
  fewer: 0.2,
  labelShares: [0.2, 0.01],
  learningRate: { pretrained: 2e-3, scratch: 1e-3 },
};
const plan = cifar10Plan('/runs', '/pictures', SETTINGS, ['--threads', '1']);

/** Accuracies by start; each seed is one point better than the one before. */
const TOP1: Readonly<Record<string, number>> = { scratch: 0.7, beit: 0.8, random: 0.795, pixels: 0.75 };
function resultOf(job: Cifar10Job): Cifar10Result {
  if (job.kind === 'pretraining') return { seconds: { tokenizer: 0, pretrain: 1800 } };
  if (job.kind === 'probe') return { layers: [{ layer: 0, nearestNeighbors: 0.25, linear: 0.5 }] };
  const model = job.kind === 'test' ? job.model : job;
  const top1 = TOP1[model.start?.method ?? 'scratch']! * model.share ** 0.1 + 0.01 * model.seed;
  return job.kind === 'test' ? { top1 } : { top1: [top1 / 2, top1], seconds: 900 };
}
const ledgerOf = (done: readonly Cifar10Job[]): Ledger<Cifar10Result> =>
  Object.fromEntries(
    done.map((job) => [nameOf(job), { command: [], environment: 'here', result: resultOf(job) }]),
  );
const findings = (done: readonly Cifar10Job[]) => ({ settings: SETTINGS, plan, jobs: ledgerOf(done) });

test('each job has a folder of its own, and needs what comes before it', () => {
  const folders = plan.map(({ folder }) => folder);
  expect(new Set(folders).size).toBe(folders.length);
  for (const [i, { needs }] of plan.entries())
    for (const need of needs) expect(folders.indexOf(need)).toBeLessThan(i);
  for (const job of plan) if (job.kind !== 'test') expect(job.args).not.toContain('test');
});

test('pre-training of each method has three seeds, each fine-tuned with its own', () => {
  const compared = plan.filter(
    (job) => job.kind === 'finetuning' && job.start?.epochs === 50 && !job.start.maskRatio,
  );
  for (const method of ['beit', 'random', 'pixels'])
    expect(
      compared.flatMap((job) =>
        job.kind === 'finetuning' && job.start?.method === method && job.epochs === 20 && job.share === 1
          ? [[job.seed, job.start.seed]]
          : [],
      ),
    ).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
});

test('means, intervals and verdicts are those of the pictures for testing', () => {
  const of = findings(plan);
  expect(cifar10Summary(of)).toMatchObject({
    scratch: 71,
    beit: 81,
    blockwiseMinusRandom: 0.5,
    tokensMinusPixels: 5,
  });
  const page = cifar10Page(of);
  // Student's t of 2 degrees of freedom, 4.303, times 1 / sqrt(3) points, and 1.96 sqrt(0.81 * 0.19 / 10,000).
  expect(page).toMatch('| BEiT, 20 epochs | 81.0 ± 2.6 |');
  expect(page).toMatch(/than training from scratch in as many epochs: \*\*yes\*\*, by 10\.0 ± 1\.1 points/);
  expect(page).toMatch(/than random ones: \*\*no difference that can be seen\*\*, by 0\.5 ± 1\.1 points/);
  expect(page).toMatch('| 0 | 25.0 | 50.0 |');
  expect(cifar10Figure(of)).toMatch('CIFAR-10: a pre-trained network');
});

test('of what is done in part, it says how much', () => {
  const page = cifar10Page(findings(plan.filter((job) => !('model' in job) || job.model.seed < 2)));
  expect(page).toMatch(/\| BEiT, 20 epochs \| 80\.5 ± 6\.4 \(2 of 3 seeds\) \|/);
  const empty = findings([]);
  expect(cifar10Page(empty)).toMatch('| BEiT, 20 epochs | not run yet |');
  expect(cifar10Page(empty)).toMatch(/\*\*not known yet\*\*/);
  expect(cifar10Summary(empty)).toMatchObject({ beit: null, hours: 0 });
  expect(cifar10Figure(empty)).toMatch('<svg');
});
