/** Small runs of the apps that train: what they leave when nobody disturbs them is what they must leave in every case. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom } from '@beit/random';
import sharp from 'sharp';
import { digestOf } from './digest';
import { type App, sourceOf } from './fromApp';
import { type Ended, runToEnd } from './process';

export interface Victim {
  readonly app: App;
  /** The folder of its pictures. */
  readonly data: string;
  /** The command that begins a run in a folder; of another recipe or other pictures where they are given. */
  begin(out: string, other?: { readonly recipe?: string; readonly data?: string }): readonly string[];
  /** What a whole run leaves, and how long it takes here; it is made when it is first asked for. */
  whole(): Promise<Whole>;
}

export interface Whole {
  /** Of every file that must be the same to the bit, its digest. */
  readonly digests: Readonly<Record<string, string>>;
  /** Steps in the log, in order. */
  readonly steps: readonly number[];
  readonly milliseconds: number;
  /** Bytes that the run's folder takes at most. */
  readonly bytes: number;
}

/** The command of an app, run from its source. */
export const command = (app: App, args: readonly string[]): readonly string[] => [
  process.execPath,
  '--conditions=@beit/source',
  '--import',
  import.meta.resolve('tsx'),
  sourceOf(app, 'main'),
  ...args,
];

/** On the engine that npm brings, so that all of it can be repeated anywhere. */
const HOW = ['--engine', 'onnxruntime', '--threads', '1', '--workers', '0', '--seed', '1', '--quiet'];

/** @param folder for its pictures, its recipe, and a run that nobody disturbs */
export function makeVictim(app: App, folder: string, say: (line: string) => void): Victim {
  const recipe = join(folder, `${app}.json`);
  const data = join(folder, app === 'ade20k' ? 'scenes' : 'photos');
  const scratch = app === 'pretrain' ? [] : ['--scratch'];
  const begin: Victim['begin'] = (out, other) => [
    ...['--out', out, '--recipe', other?.recipe ?? recipe, '--data', other?.data ?? data],
    ...[...scratch, ...HOW],
  ];
  async function runUndisturbed(): Promise<Whole> {
    await mkdir(folder, { recursive: true });
    await writeFile(recipe, JSON.stringify(RECIPES[app]));
    await (app === 'ade20k' ? writeScenes(data) : writePhotos(data));
    const out = join(folder, `whole-${app}`);
    const began = performance.now();
    const ended = await runToEnd(command(app, begin(out)));
    if (ended.status !== 0) throw new Error(`${app} does not run undisturbed:\n${ended.stderr}`);
    const milliseconds = performance.now() - began;
    say(`${app}: an undisturbed run takes ${(milliseconds / 1000).toFixed(1)} s`);
    return { ...(await leftBy(out)), milliseconds };
  }
  let whole: Promise<Whole> | undefined;
  return {
    app,
    data,
    begin,
    whole() {
      whole ??= runUndisturbed();
      return whole;
    },
  };
}

const NARROW = { embedDim: 16, depth: 1, numHeads: 2, imageSize: 16, patchSize: 8, mlpRatio: 2 };
export const RECIPES: Readonly<Record<App, object>> = {
  pretrain: {
    extends: 'emoji',
    tokenizer: {
      model: { vocabSize: 16, hiddenDim: 4, decoderInitDim: 4 },
      ...{ batchSize: 8, microBatchSize: 8, epochs: 4 },
    },
    views: { tokenImageSize: 8 },
    mim: {
      model: NARROW,
      masking: { kind: 'blockwise', gridSize: 2, numMaskingPatches: 2, minNumPatches: 1 },
      ...{ batchSize: 8, microBatchSize: 8, epochs: 4, warmupEpochs: 0 },
    },
  },
  classify: {
    extends: 'emoji',
    model: NARROW,
    ...{ batchSize: 8, microBatchSize: 8, epochs: 10, warmupEpochs: 0 },
  },
  ade20k: {
    extends: 'emoji',
    model: { ...NARROW, dropPathRate: 0 },
    head: { kind: 'setr-pup', channels: 4, numConvs: 3, auxiliary: [] },
    views: { stride: 11 },
    ...{ batchSize: 4, microBatchSize: 4, steps: 30, warmupSteps: 2, evaluateEvery: 10 },
  },
};

/** Writes small pictures, other ones each time. */
function pictures(): (path: string) => Promise<unknown> {
  const random = createRandom('torture', 'pictures');
  const color = () => ({ r: random.integer(0, 255), g: random.integer(0, 255), b: random.integer(0, 255) });
  return (path) =>
    sharp({ create: { width: 24, height: 20, channels: 3, background: color() } })
      .composite([{ input: { create: { width: 9, height: 7, channels: 3, background: color() } } }])
      .png()
      .toFile(path);
}

async function writePhotos(folder: string): Promise<void> {
  const picture = pictures();
  for (const name of ['a', 'b', 'c']) {
    await mkdir(join(folder, name), { recursive: true });
    for (let i = 0; i < 12; i++) await picture(join(folder, name, `${i}.png`));
  }
}

async function writeScenes(folder: string): Promise<void> {
  const picture = pictures();
  for (const [part, count] of Object.entries({ training: 10, validation: 3 })) {
    for (const kind of ['images', 'annotations']) await mkdir(join(folder, kind, part), { recursive: true });
    for (let i = 0; i < count; i++) {
      await picture(join(folder, 'images', part, `${i}.png`));
      const labels = Uint8Array.from({ length: 24 * 20 }, (_, at) => 1 + (at % 24 < 8 + i ? 1 : 0));
      await sharp(labels, { raw: { width: 24, height: 20, channels: 1 } })
        .toColourspace('b-w')
        .png()
        .toFile(join(folder, 'annotations', part, `${i}.png`));
    }
  }
  await writeFile(join(folder, 'classes.json'), '["ground", "thing"]');
}

/** What must be the same whatever happened on the way: numbers, but for seconds. */
async function leftBy(out: string): Promise<Omit<Whole, 'milliseconds'>> {
  const digests: Record<string, string> = {};
  const steps: number[] = [];
  let bytes = 0;
  for (const entry of await readdir(out, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const content = await readFile(path);
    bytes += content.length;
    const name = path.slice(out.length + 1);
    if (/^(model|model-best|tokenizer)\.safetensors$/.test(name)) digests[name] = digestOf(content);
    if (name === 'results.json') digests[name] = digestOf(withoutSeconds(content.toString()));
    if (entry.name === 'metrics.jsonl') {
      const lines = content.toString().trimEnd().split('\n');
      for (const line of lines) steps.push((JSON.parse(line) as { step: number }).step);
      digests[name] = digestOf(lines.map(withoutSeconds).join('\n'));
    }
  }
  return { digests, steps, bytes };
}

/** Seconds, and images in a second, are other ones each time. */
const withoutSeconds = (text: string): string =>
  JSON.stringify(JSON.parse(text), (key, value) =>
    key === 'seconds' || key === 'imagesPerSecond' ? undefined : value,
  );

/**
 * Lets a run that was disturbed come to its end: continues it where it is one, else begins it.
 *
 * @returns what is wrong with what it left; undefined: nothing
 */
export async function wrongAfterwards(victim: Victim, out: string): Promise<string | undefined> {
  const args = goOn(victim, out);
  const ended = await runToEnd(command(victim.app, args));
  if (ended.status !== 0)
    return `${args.includes('--resume') ? '--resume' : 'a new start'} ended with ${describeEnd(ended)}: ${lastLines(ended.stderr)}`;
  return wrongWith(victim, out);
}

/** What people type after a crash: a folder that is a run continues, any other begins. */
export const goOn = (victim: Victim, out: string): readonly string[] =>
  existsSync(join(out, 'recipe.json')) ? ['--resume', '--out', out, '--quiet'] : victim.begin(out);

/** What differs from a run that nobody disturbed. */
export async function wrongWith(victim: Victim, out: string): Promise<string | undefined> {
  const whole = await victim.whole();
  const left = await leftBy(out);
  const names = new Set([...Object.keys(whole.digests), ...Object.keys(left.digests)]);
  const different = [...names].filter((name) => whole.digests[name] !== left.digests[name]);
  if (different.length > 0) return `${different.join(', ')} differ from those of an undisturbed run`;
  const litter = (await readdir(out, { recursive: true })).filter((name) =>
    /\.tmp$|(^|\/)lock\.json$/.test(name),
  );
  return litter.length > 0 ? `${litter.join(', ')} stayed behind` : undefined;
}

export const describeEnd = ({ status, signal }: Pick<Ended, 'status' | 'signal'>): string =>
  signal ? `the signal ${signal}` : `the exit status ${status}`;

export const lastLines = (text: string): string => text.trim().split('\n').slice(-4).join(' | ');
