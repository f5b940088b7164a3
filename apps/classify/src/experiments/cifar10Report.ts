import { type Ledger, nameOf, spread } from '@beit/experiments';
import { type ChartSeries, standaloneSvg } from '@beit/report';
import type {
  Cifar10Job,
  Cifar10Settings,
  FinetuningJob,
  Pretraining,
  ProbeJob,
  TestJob,
} from './cifar10Plan';

/** What is kept of a job. */
export interface Cifar10Result {
  /** Of a fine-tuning: on the pictures that are held out, after each epoch. Of a test: the share that is right. */
  readonly top1?: number | readonly number[];
  readonly loss?: number;
  readonly seconds?: number | Readonly<Record<string, number>>;
  readonly layers?: readonly {
    readonly layer: number;
    readonly nearestNeighbors: number;
    readonly linear: number;
  }[];
}

export interface Cifar10Findings {
  readonly settings: Cifar10Settings;
  readonly plan: readonly Cifar10Job[];
  /** Those that are done. */
  readonly jobs: Ledger<Cifar10Result>;
}

/** Pictures for testing. */
const TESTED = 10_000;
/** Student's t of 95 %, of two to ten seeds. */
const T = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26];

/** An accuracy in percent, and how far off it may be: 95 % for the seeds and the pictures together. */
interface Accuracy {
  readonly mean: number;
  /** undefined: of a single seed. */
  readonly around?: number;
  readonly seeds: number;
}

type Given = Pick<FinetuningJob, 'start' | 'epochs' | 'share'>;

const isSame = (a: Pretraining | undefined, b: Omit<Pretraining, 'seed'> | undefined) =>
  a?.method === b?.method && a?.epochs === b?.epochs && a?.maskRatio === b?.maskRatio;

const testsOf = ({ plan, jobs }: Cifar10Findings, wanted: Given): ReadonlyMap<number, number> =>
  new Map(
    plan
      .filter((job): job is TestJob => job.kind === 'test')
      .filter(
        ({ model }) =>
          isSame(model.start, wanted.start) && model.epochs === wanted.epochs && model.share === wanted.share,
      )
      .flatMap((job) => {
        const top1 = jobs[nameOf(job)]?.result.top1;
        return typeof top1 === 'number' ? [[job.model.seed, top1] as const] : [];
      }),
  );

/** `scale`: how many accuracies the pictures' own chance enters of: one, or the two of a difference. */
function accuracyOf(values: readonly number[], pictures: number, scale = 1): Accuracy | undefined {
  if (values.length === 0) return undefined;
  const { mean, sd } = spread(values);
  const seeds = values.length;
  if (seeds === 1) return { mean: 100 * mean, seeds };
  const ofSeeds = (T[seeds - 2] ?? 2) * (sd / Math.sqrt(seeds));
  const ofPictures = 1.96 * Math.sqrt((scale * pictures * (1 - pictures)) / TESTED);
  return { mean: 100 * mean, around: 100 * Math.hypot(ofSeeds, ofPictures), seeds };
}

function accuracy(findings: Cifar10Findings, wanted: Given): Accuracy | undefined {
  const values = [...testsOf(findings, wanted).values()];
  return accuracyOf(values, values.length > 0 ? spread(values).mean : 0);
}

/** Of the seeds that both have. */
function difference(findings: Cifar10Findings, a: Given, b: Given): Accuracy | undefined {
  const [left, right] = [testsOf(findings, a), testsOf(findings, b)];
  const seeds = [...left.keys()].filter((seed) => right.has(seed));
  const values = seeds.map((seed) => left.get(seed)! - right.get(seed)!);
  return accuracyOf(values, spread([...left.values()]).mean, 2);
}

const shown = (found: Accuracy | undefined, seeds: number): string => {
  if (!found) return 'not run yet';
  const { mean, around } = found;
  const missing = found.seeds < seeds ? ` (${found.seeds} of ${seeds} seeds)` : '';
  return `${mean.toFixed(1)}${around === undefined ? '' : ` ± ${around.toFixed(1)}`}${missing}`;
};

/** What is fine-tuned, by what it is called. */
function given({ pretrainingEpochs: before, finetuningEpochs: epochs, longer, fewer }: Cifar10Settings) {
  const of = (start: Omit<Pretraining, 'seed'> | undefined, length = epochs, share = 1): Given => ({
    start: start && { ...start, seed: 0 },
    epochs: length,
    share,
  });
  const method = (name: Pretraining['method']) => of({ method: name, epochs: before });
  return {
    of,
    scratch: of(undefined),
    scratchLonger: of(undefined, epochs * longer),
    beit: method('beit'),
    beitInFewerEpochs: of({ method: 'beit', epochs: before }, epochs * fewer),
    random: method('random'),
    pixels: method('pixels'),
    untrained: method('untrained tokenizer'),
  };
}

export interface Cifar10Summary {
  readonly done: string;
  readonly hours: number;
  /** Percent of the pictures for testing; null: not run yet. */
  readonly scratch: number | null;
  readonly scratchLonger: number | null;
  readonly beit: number | null;
  readonly beitMinusScratchLonger: number | null;
  readonly blockwiseMinusRandom: number | null;
  readonly tokensMinusPixels: number | null;
}

export function cifar10Summary(findings: Cifar10Findings): Cifar10Summary {
  const { settings, plan, jobs } = findings;
  const { scratch, scratchLonger, beit, random, pixels } = given(settings);
  const meanOf = (found: Accuracy | undefined) => (found ? Number(found.mean.toFixed(2)) : null);
  return {
    done: `${Object.keys(jobs).length} of ${plan.length}`,
    hours: Number(hoursOf(jobs).toFixed(1)),
    scratch: meanOf(accuracy(findings, scratch)),
    scratchLonger: meanOf(accuracy(findings, scratchLonger)),
    beit: meanOf(accuracy(findings, beit)),
    beitMinusScratchLonger: meanOf(difference(findings, beit, scratchLonger)),
    blockwiseMinusRandom: meanOf(difference(findings, beit, random)),
    tokensMinusPixels: meanOf(difference(findings, beit, pixels)),
  };
}

/** Of training, each run with one thread. */
const hoursOf = (jobs: Ledger<Cifar10Result>): number =>
  Object.values(jobs)
    .map(({ result: { seconds = 0 } }) =>
      typeof seconds === 'number' ? seconds : Object.values(seconds).reduce((sum, part) => sum + part, 0),
    )
    .reduce((sum, seconds) => sum + seconds / 3600, 0);

/** Accuracy by epoch, by labels, and by epochs of pre-training. */
export function cifar10Figure(findings: Cifar10Findings): string {
  const { settings, plan, jobs } = findings;
  const { of, scratch, beit, scratchLonger } = given(settings);
  const curve = (label: string, wanted: Given): ChartSeries => {
    const curves = plan.flatMap((job) => {
      if (job.kind !== 'finetuning' || !isSame(job.start, wanted.start)) return [];
      if (job.epochs !== wanted.epochs || job.share !== wanted.share) return [];
      const top1 = jobs[nameOf(job)]?.result.top1;
      return typeof top1 === 'object' ? [top1] : [];
    });
    const points = (curves[0] ?? []).map((_, i) => {
      const at = curves.map((top1) => 100 * top1[i]!);
      return { x: i + 1, y: spread(at).mean, low: Math.min(...at), high: Math.max(...at) };
    });
    return { label, style: 'line', points };
  };
  const dots = (label: string, xs: readonly number[], wanted: (x: number) => Given): ChartSeries => ({
    label,
    style: 'dots',
    points: xs.flatMap((x) => {
      const found = accuracy(findings, wanted(x));
      if (!found) return [];
      const { mean: y, around = 0 } = found;
      return [{ x, y, low: y - around, high: y + around }];
    }),
  });
  const shares = [...settings.labelShares, 1].sort((a, b) => a - b).map((share) => 100 * share);
  const epochs = [...settings.otherPretrainingEpochs, settings.pretrainingEpochs].sort((a, b) => a - b);
  const byShare = (given: Given) => (percent: number) => ({ ...given, share: percent / 100 });
  return standaloneSvg('CIFAR-10: a pre-trained network, and one from scratch', [
    {
      id: 'convergence',
      title: 'Accuracy on pictures that are held out, percent',
      xLabel: 'epoch of fine-tuning, or from scratch',
      series: [curve('BEiT', beit), curve('from scratch', scratch), curve('longer', scratchLonger)],
    },
    {
      id: 'labels',
      title: 'Accuracy on the pictures for testing, percent',
      xLabel: 'labels, percent',
      series: [dots('BEiT', shares, byShare(beit)), dots('from scratch', shares, byShare(scratch))],
    },
    {
      id: 'pretraining',
      title: 'The same, by pre-training',
      xLabel: 'epochs of pre-training',
      series: [dots('BEiT', epochs, (length) => of({ method: 'beit', epochs: length }))],
    },
  ]);
}

/** Tables, figure, verdicts. */
export function cifar10Page(findings: Cifar10Findings): string {
  const { settings, plan, jobs } = findings;
  const { seeds, pretrainingEpochs, finetuningEpochs, longer, fewer, labelShares } = settings;
  const { of, scratch, scratchLonger, beit, beitInFewerEpochs, random, pixels, untrained } = given(settings);
  const row = (name: string, wanted: Given, count = seeds.length) =>
    `| ${name} | ${shown(accuracy(findings, wanted), count)} |`;
  const claim = (text: string, a: Given, b: Given) => {
    const found = difference(findings, a, b);
    const verdict =
      found?.around === undefined
        ? 'not known yet'
        : found.mean > found.around
          ? 'yes'
          : found.mean < -found.around
            ? 'no'
            : 'no difference that can be seen';
    return `- ${text}: **${verdict}**, by ${shown(found, seeds.length)} points.`;
  };
  const shareRow = (name: string, wanted: Given) =>
    `| ${name} | ${[1, ...labelShares].map((share) => shown(accuracy(findings, { ...wanted, share }), seeds.length)).join(' | ')} |`;
  const single = (name: string, start: Omit<Pretraining, 'seed'>) => row(name, of(start), 1);
  const probed = plan.find((job): job is ProbeJob => job.kind === 'probe');
  const layers = probed && jobs[nameOf(probed)]?.result.layers;
  const machines = [...new Set(Object.values(jobs).map(({ environment }) => environment))];
  return `# CIFAR-10: the paper's claims on photographs

\`pnpm experiment:cifar10 --data DIR\` trains the recipes \`cifar10\`: a network of 6 blocks of width 128 on 4x4 patches of 32x32 pixels, with a tokenizer of 512 words for the same patches, on 45,000 of the training pictures; 5,000 are held out, on which rates and recipes were chosen. What is told here is of the 10,000 pictures for testing, which no training has seen, with labels or without. Pre-training of ${pretrainingEpochs} epochs, fine-tuning of ${finetuningEpochs}; percent, ± what seeds and pictures together leave open (95 %; of a single seed only the value).

${Object.keys(jobs).length} of ${plan.length} jobs are done, ${hoursOf(jobs).toFixed(1)} hours of training. ${machines.join('. ')}.

![Accuracy by epoch, by labels, and by pre-training](cifar10.svg)

| all labels | top-1, % |
| --- | --- |
${[
  row(`from scratch, ${finetuningEpochs} epochs`, scratch),
  row(`from scratch, ${finetuningEpochs * longer} epochs`, scratchLonger),
  row(`BEiT, ${finetuningEpochs} epochs`, beit),
  row(`BEiT, ${finetuningEpochs * fewer} epochs in all`, beitInFewerEpochs),
  row('random masks', random),
  row('pixels for targets', pixels),
].join('\n')}

| labels | ${[1, ...labelShares].map((share) => `${100 * share} %`).join(' | ')} |
| --- | ${[1, ...labelShares].map(() => '---').join(' | ')} |
${[shareRow('from scratch', scratch), shareRow('BEiT', beit)].join('\n')}

One seed:

| pre-training | top-1, % |
| --- | --- |
${[
  ...settings.otherPretrainingEpochs.map((epochs) => single(`${epochs} epochs`, { method: 'beit', epochs })),
  ...settings.maskRatios.map((maskRatio) =>
    single(`${100 * maskRatio} % masked`, { method: 'beit', epochs: pretrainingEpochs, maskRatio }),
  ),
  row('a tokenizer of random weights', untrained, 1),
].join('\n')}
${
  layers
    ? `
Frozen features of each block, on the pictures that are held out (appendix D):

| block | nearest neighbours, % | linear, % |
| --- | --- | --- |
${layers.map(({ layer, nearestNeighbors, linear }) => `| ${layer} | ${(100 * nearestNeighbors).toFixed(1)} | ${(100 * linear).toFixed(1)} |`).join('\n')}
`
    : ''
}
What the paper leads to expect, and what is measured:

${[
  claim('BEiT is better than training from scratch in as many epochs', beit, scratch),
  claim(`and than ${longer} times as many epochs from scratch`, beit, scratchLonger),
  claim('in a fifth of the epochs it is better than scratch in all of them', beitInFewerEpochs, scratch),
  ...(labelShares.includes(fewer)
    ? [
        claim(
          'with a fifth of the labels it is better than scratch with all',
          { ...beit, share: fewer },
          scratch,
        ),
      ]
    : []),
  claim('blockwise masks are better than random ones', beit, random),
  claim('visual tokens are better targets than pixels', beit, pixels),
].join('\n')}

All jobs, their recipes and curves: \`cifar10.json\`.
`;
}
