import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClassifier } from '@beit/classification';
import { loadViews } from '@beit/data';
import { runJson } from '@beit/measurements';
import { imageSides } from '@beit/tensors';
import { createVit, inferVitConfig, vitConfigOfTransformers } from '@beit/vit';
import { framedSize, loadCheckpoint } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';

const SCRIPT = fileURLToPath(
  new URL('../../apps/classify/test/fixtures/makeCheckpoints.py', import.meta.url),
);

/** Logits of one picture by one checkpoint, here and by its own library. */
export interface CheckpointLogits {
  readonly checkpoint: string;
  readonly picture: string;
  readonly actual: readonly number[];
  readonly expected: readonly number[];
}

interface Expected {
  readonly logits: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
}

/**
 * Small random classifiers that the peers save, and pictures, from the files to the logits: preprocessing, names, architecture.
 *
 * @param python an interpreter that has the peers
 */
export async function checkpointLogits(python: string): Promise<CheckpointLogits[]> {
  const folder = await mkdtemp(join(tmpdir(), 'checkpoints-'));
  try {
    const { logits } = await runJson<Expected>(python, [SCRIPT, folder]);
    const all: CheckpointLogits[] = [];
    for (const [checkpoint, pictures] of Object.entries(logits)) {
      const model = await openModel(join(folder, checkpoint));
      for (const [picture, expected] of Object.entries(pictures))
        all.push({ checkpoint, picture, expected, actual: await model(folder, `${picture}.png`) });
    }
    return all;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The number of heads of the one that does not tell it. */
const HEADS = 4;

async function openModel(path: string) {
  const { tensors, config, format, preprocessing } = await loadCheckpoint(path);
  const told = Object.keys(tensors).some((name) => name.endsWith('relative_position_bias_table'));
  const size = framedSize(preprocessing!.framing)!;
  const vitConfig =
    format === 'transformers' && config
      ? vitConfigOfTransformers(config).config
      : inferVitConfig(tensors, { numHeads: told ? undefined : HEADS, imageSize: [size.height, size.width] });
  const backbone = createVit(vitConfig);
  const numClasses = tensors['head.weight']!.shape[0]!;
  const classifier = createClassifier({ backbone, numClasses, pooling: 'mean' });
  const params = Object.fromEntries(
    Object.entries(tensors).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
  );
  const { imageSize, inChannels = 3 } = vitConfig;
  return async (directory: string, name: string): Promise<readonly number[]> => {
    const source = { kind: 'folder', directory, names: [name] } as const;
    const { image } = await loadViews(source, 0, { imageSize, tokenImageSize: 0, ...preprocessing! });
    return [
      ...classifier.logits(params, tf.tensor(image, [1, ...imageSides(imageSize), inChannels])).dataSync(),
    ];
  };
}
