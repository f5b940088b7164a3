import type { NamedTensors } from '@beit/tensors';
import { readMetrics } from '@beit/trainer';
import { countParameters } from './countParameters';
import { formatSeconds } from './formatNumber';
import type { Page } from './renderPage';
import type { MetricsPoint, Section } from './reportData';
import { stageSection } from './sections';

/** What the page of every run with a single stage tells. */
export interface RunOutcome {
  readonly recipe: { readonly name: string };
  /** The run's folder. */
  readonly out: string;
  readonly engine: string;
  /** Undefined: random parameters. */
  readonly startedFrom: string | undefined;
  readonly params: NamedTensors;
  readonly seconds: number;
}

export const runFacts = ({ recipe, startedFrom, engine, seconds }: RunOutcome): Page['facts'] => [
  ['recipe', recipe.name],
  ['start', startedFrom ?? 'random parameters'],
  ['engine', engine],
  ['made', new Date().toISOString().slice(0, 16).replace('T', ' ')],
  ['time', formatSeconds(seconds)],
];

/** Numbers and curves of the stage. */
export async function trainingSection(
  { out, params, seconds }: RunOutcome,
  { name, title }: { readonly name: string; readonly title: string },
): Promise<Section> {
  const metrics = await readMetrics(out);
  const speeds = metrics.flatMap(({ imagesPerSecond }) => (imagesPerSecond ? [Number(imagesPerSecond)] : []));
  return stageSection({
    name,
    title,
    metrics: metrics as readonly MetricsPoint[],
    imagesPerSecond: speeds.reduce((a, b) => a + b, 0) / Math.max(1, speeds.length),
    seconds,
    parameters: countParameters(params),
  });
}
