import { writeFileSync } from 'node:fs';
import { compile } from '@beit/compile';
import { pretrainStep } from '@beit/mim';
import { trainState } from '@beit/optim';
import { createTask, MODELS, type ModelName } from './trainStep/task';

const [model = 'base', precision = 'fp32', engine = 'xla', steps = '4'] = process.argv.slice(2);
const { mim, optimizer, params, batch, scalars } = createTask({
  model: MODELS[model as ModelName],
  batchSize: 8,
  numMasked: 75,
});
let t = performance.now();
const program = await compile(
  pretrainStep(mim, optimizer) as never,
  { state: trainState(params, optimizer) as never, inputs: { batch, scalars: scalars(0) } as never },
  { engine: engine as 'xla', precision: precision as 'fp32' },
);
console.log(
  'compile',
  ((performance.now() - t) / 1000).toFixed(2),
  'rss',
  (process.memoryUsage().rss / 1e9).toFixed(2),
);
for (let i = 0; i < Number(steps); i++) {
  t = performance.now();
  const out = (await program.run({ batch, scalars: scalars(i) } as never)) as Record<
    string,
    { data: Float32Array }
  >;
  console.log(
    'step',
    ((performance.now() - t) / 1000).toFixed(3),
    Object.entries(out)
      .map(([k, v]) => `${k} ${v.data?.[0]}`)
      .join(' '),
  );
}
console.log(
  'rss',
  (process.memoryUsage().rss / 1e9).toFixed(2),
  'peak',
  (process.resourceUsage().maxRSS / 1e6).toFixed(2),
);
await program.dispose();
