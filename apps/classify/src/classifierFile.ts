import { IMAGENET1K_CLASSES } from '@beit/classification';
import { framingAt, type LoadPretrainedOptions, loadPretrained, shapesOf } from '@beit/cli';
import { INCEPTION_NORMALIZATION } from '@beit/data';
import { createRandom } from '@beit/random';
import { writeModelMetadata } from '@beit/schemas';
import type { NamedTensors } from '@beit/tensors';
import type { ProblemType, VitConfig } from '@beit/vit';
import {
  describeFit,
  describeFraming,
  describeNormalization,
  fitParameters,
  type Preprocessing,
  saveSafetensors,
} from '@beit/weights';
import { IMAGENET1K, namesFor, readClassNames } from './classNames';
import { createModel } from './model';
import type { FinetuneRecipe } from './recipe';
import { releasedFraming } from './views';

/** A trained classifier: all that a prediction needs. */
export interface TrainedClassifier {
  readonly params: NamedTensors;
  readonly classes: readonly string[];
  readonly model: VitConfig;
  readonly pooling: FinetuneRecipe['pooling'];
  readonly preprocessing: Preprocessing;
  /** Whether any number of the classes may be in a picture: logits then are of each class by itself. Default false. */
  readonly multiLabel?: boolean;
}

export interface LoadedClassifier extends TrainedClassifier {
  /** Whether `classes` are names; without any they are numbers. */
  readonly named: boolean;
  /** What was taken for what, for people. */
  readonly notes: readonly string[];
}

/** As transformers calls it. */
export const MULTI_LABEL = 'multi_label_classification' as const satisfies ProblemType;

/** Parameters, with everything else as the file's metadata. */
export async function saveClassifier(path: string, trained: TrainedClassifier): Promise<void> {
  const { params, classes, model, pooling, preprocessing, multiLabel } = trained;
  const classifier = { pooling, ...(multiLabel && { problemType: MULTI_LABEL }) };
  const metadata = writeModelMetadata({ config: model, classes, classifier, ...preprocessing });
  await saveSafetensors(path, params, metadata);
}

export interface LoadClassifierOptions extends LoadPretrainedOptions {
  readonly classNames?: string;
}

/** What pre-training leaves, and no classifier asks for. */
const isUnused = (name: string): boolean => /^(mask_token$|lm_head\.)/.test(name);

const unnamed = (count: number): string =>
  `The model's ${count} classes have no names. --class-names FILE gives them` +
  (count === IMAGENET1K_CLASSES.length ? `, --class-names ${IMAGENET1K} those of ImageNet.` : '.');

/**
 * A classifier of this app, of transformers, of the official code or of timm. What a file does not say is as the released
 * models have it; classes without names are numbers.
 *
 * @param options.classNames see `readClassNames`; instead of the file's own
 * @throws when it has no head, or lacks another part: the error lists them
 */
export async function loadClassifier(
  path: string,
  { classNames, heads }: LoadClassifierOptions = {},
): Promise<LoadedClassifier> {
  const pretrained = await loadPretrained(path, { heads });
  const { tensors, config, pooling, normalization } = pretrained;
  const rows = tensors['head.weight']?.shape[0];
  if (rows === undefined) {
    throw new Error(`${path} is no fine-tuned classifier: it has no head. Expected a run of this app, say.`);
  }
  if (rows === 1 || pretrained.problemType === 'regression')
    throw new Error(
      `${path} is a regression${rows === 1 ? ': its head has one row' : ''}. Expected a classifier of two or more classes: numbers are not predicted here.`,
    );
  const multiLabel = pretrained.problemType === MULTI_LABEL;
  const names = classNames === undefined ? pretrained.classes : await readClassNames(classNames);
  const trained = {
    classes: namesFor(names, rows, path),
    model: config,
    pooling: pooling ?? ('fc_norm.weight' in tensors ? 'mean' : 'cls'),
  };
  const { classifier } = createModel(trained, trained.classes.length);
  const fit = fitParameters(tensors, shapesOf(classifier.init(createRandom(0))));
  const extra = fit.extra.filter((name) => !isUnused(name));
  if (fit.missing.length + fit.misshapen.length > 0)
    throw new Error(`${path} is not whole.\n${describeFit({ ...fit, extra })}`);
  if (extra.length > 0)
    throw new Error(
      `${path} is no BEiT classifier: it would answer otherwise with all of its tensors.\n${describeFit({ ...fit, extra })}`,
    );
  const framing = framingAt(pretrained);
  const preprocessing = {
    framing: framing ?? releasedFraming(config),
    normalization: normalization ?? INCEPTION_NORMALIZATION,
  };
  const by = (said: object | undefined) => (said ? 'as the model says' : 'as of the released models');
  const notes = [
    ...pretrained.notes,
    ...(names ? [] : [unnamed(rows)]),
    ...(multiLabel ? ['Each class has a probability of its own: the model is for several labels.'] : []),
    `Pictures: ${describeFraming(preprocessing.framing)}, ${by(framing)}; ` +
      `${describeNormalization(preprocessing.normalization)}, ${by(normalization)}.`,
  ];
  return {
    ...trained,
    named: names !== undefined,
    params: fit.params,
    preprocessing,
    notes,
    ...(multiLabel && { multiLabel }),
  };
}
