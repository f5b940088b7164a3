import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  describeMachine,
  leastSquares,
  machineLine,
  markdownTable,
  median,
  stepFlops,
} from '@beit/measurements';
import { gridOf, type VitConfig } from '@beit/vit';
import { OUR_ENGINES } from '../shared/ourEngines';
import { publish } from '../shared/publish';
import { stepCommandLine } from '../shared/stepOptions';
import { type StepCompetitor, WARM_UP_STEPS } from '../shared/stepRun';
import { takeTurns } from '../shared/takeTurns';
import { type Task, VOCAB_SIZE } from '../trainStep/task';
import { figure } from './figure';

const { options, steps, rounds, threads, chosen, publishing } = stepCommandLine({
  about: `Usage: pnpm bench:scaling [options]

How the time of a pre-training step grows with the batch, the depth and the number of tokens of a ViT of width 384, in our
engines. A line of seconds over the operations in the step's matrix products is fitted to each; they grow in proportion
to batch and depth (beside the vocabulary head), and a little faster than the tokens, for attention.`,
  own: {},
  names: OUR_ENGINES.map(({ name }) => name),
  steps: 8,
  rounds: 2,
});

const MODEL: VitConfig = { imageSize: 224, patchSize: 16, embedDim: 384, depth: 4, numHeads: 6 };
const task = (model: Partial<VitConfig>, batchSize: number): Task => {
  const config = { ...MODEL, ...model };
  const [rows, columns] = gridOf(config);
  const patches = rows * columns;
  return { model: config, batchSize, numMasked: Math.round((patches * 75) / 196) };
};
const SWEEPS = [
  { varies: 'batch', xLabel: 'images in a batch', xs: [1, 2, 4, 8, 16], at: (x: number) => task({}, x) },
  { varies: 'depth', xLabel: 'blocks', xs: [1, 2, 4, 8, 12], at: (x: number) => task({ depth: x }, 4) },
  {
    varies: 'tokens',
    xLabel: 'patches of an image',
    xs: [4, 8, 12, 16, 20].map((side) => side ** 2),
    at: (x: number) => task({ imageSize: 16 * Math.sqrt(x) }, 4),
  },
];

const STEPS = fileURLToPath(new URL('../trainStep/ours.ts', import.meta.url));
const engines = OUR_ENGINES.filter(({ name }) => chosen.includes(name));
/** The points of a curve take turns, so that all are of the same minutes. */
const curves = SWEEPS.flatMap(({ varies, xs, at }) =>
  engines.map(({ name, engine, precision }) => ({
    varies,
    name,
    points: xs.map((x): StepCompetitor => {
      const task = JSON.stringify({ ...at(x), engine, precision, threads, steps });
      const command = { command: process.execPath, args: [...process.execArgv, STEPS, task] };
      return { name: `${name}, ${varies} ${x}`, precision, ours: true, command, results: [] };
    }),
  })),
);
for (let round = 0; round < rounds; round++) for (const { points } of curves) await takeTurns(points);

const sweeps = SWEEPS.map(({ varies, xLabel, xs, at }) => ({
  varies,
  xLabel,
  gigaflops: xs.map(
    (x) => stepFlops(at(x).model, { ...at(x), vocabSize: VOCAB_SIZE, lastBlock: 'masked' }) / 1e9,
  ),
  series: engines.flatMap(({ name }) => {
    const curve = curves.find((one) => one.varies === varies && one.name === name)!;
    const runs = curve.points.map(({ results }) => results);
    if (runs.some(({ length }) => length === 0)) return [];
    const seconds = runs.map((all) => median(all.flatMap((run) => run.seconds.slice(WARM_UP_STEPS))));
    return [{ name, points: xs.map((x, i) => ({ x, y: seconds[i]! })) }];
  }),
})).map((sweep) => ({
  ...sweep,
  series: sweep.series.map((one) => {
    const fit = leastSquares(one.points.map(({ y }, i) => ({ x: sweep.gigaflops[i]!, y })));
    const fitted = sweep.gigaflops.map((flops) => fit.intercept + fit.slope * flops);
    return { ...one, fit, fitted };
  }),
}));

const machine = describeMachine();
const report = {
  command: `pnpm bench:scaling ${options}`,
  machine,
  threads,
  steps,
  rounds,
  model: MODEL,
  sweeps,
};
const rows = sweeps.flatMap(({ varies, series }) =>
  series.map(({ name, points, fit }) => ({
    varies,
    engine: name,
    'from, to': [points[0]!, points.at(-1)!].map(({ x }) => x).join(', '),
    'seconds a step': points.map(({ y }) => y.toFixed(2)).join(', '),
    'ms beside': (1000 * fit.intercept).toFixed(0),
    'GFLOP a second': (1 / fit.slope).toFixed(0),
    'R²': fit.rSquared.toFixed(4),
    'farthest from the line': `${(100 * fit.largestDeviation).toFixed(1)} %`,
  })),
);
const markdown = [
  '![Seconds per step over batch, depth and patches: measured points, and the line of seconds over arithmetic](performance/scaling.svg)',
  '',
  markdownTable(rows),
  '',
  `\`${report.command}\`; ${machineLine(machine)}, ${threads} threads.`,
].join('\n');
if (publishing.write) {
  const folder = new URL('../../docs/performance/', import.meta.url);
  await mkdir(folder, { recursive: true });
  await writeFile(
    new URL('scaling.svg', folder),
    figure(sweeps, 'Seconds per step over batch, depth and patches'),
  );
}
await publish('scaling', report, markdown, publishing);
