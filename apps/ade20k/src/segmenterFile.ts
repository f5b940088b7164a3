import { framingAt, type LoadPretrainedOptions, loadPretrained, type Pretrained, shapesOf } from '@beit/cli';
import { type AnnotationOptions, IMAGENET_NORMALIZATION, type Normalization } from '@beit/data';
import { createRandom } from '@beit/random';
import { type SegmenterViews, writeModelMetadata } from '@beit/schemas';
import {
  ADE20K_CLASSES,
  ADE20K_PALETTE,
  type Color,
  createPalette,
  inferHead,
  type SegmenterHead,
  uperNetOfMmsegmentation,
  uperNetOfTransformers,
} from '@beit/segmentation';
import { type ImageSize, imageSides, messageOf, type NamedTensors, shortSize } from '@beit/tensors';
import type { VitConfig } from '@beit/vit';
import {
  describeFit,
  describeNormalization,
  type Framing,
  fitParameters,
  saveSafetensors,
  stretchFraming,
} from '@beit/weights';
import { createModel, isAuxiliary, isUnused } from './model';

/** What evaluation needs of the views. */
export type PlainViews = SegmenterViews & { readonly normalization: Normalization };

/** A trained segmenter: all that a prediction needs. */
export interface TrainedSegmenter {
  readonly params: NamedTensors;
  readonly classes: readonly string[];
  readonly palette: readonly Color[];
  readonly model: VitConfig;
  readonly head: SegmenterHead;
  readonly views: PlainViews;
  /** What the numbers of its masks mean. */
  readonly annotation: Pick<AnnotationOptions, 'labels'>;
}

export interface LoadedSegmenter extends TrainedSegmenter {
  /** How a whole image comes into one window. */
  readonly wholeFraming: Framing;
  /** What was taken for what, for people. */
  readonly notes: readonly string[];
}

/** Parameters without auxiliary heads, with everything else as the file's metadata. */
export async function saveSegmenter(path: string, trained: TrainedSegmenter): Promise<void> {
  const { params, classes, palette, model, head, annotation } = trained;
  const { normalization, scale, stride } = trained.views;
  const kept = Object.entries(params).filter(([name]) => !isAuxiliary(name));
  const segmenter = {
    palette,
    head: withoutAuxiliary(head),
    views: { scale, stride },
    labels: annotation.labels,
  };
  const metadata = writeModelMetadata({ config: model, classes, normalization, segmenter });
  await saveSafetensors(path, Object.fromEntries(kept), metadata);
}

const withoutAuxiliary = (head: SegmenterHead): SegmenterHead =>
  'auxiliary' in head ? { ...head, auxiliary: [] } : head;

/**
 * A segmenter of this app, or a released one: a folder of transformers, or an official `.pth` file.
 *
 * @throws when the file is none, or lacks a part: the error lists it
 */
export async function loadSegmenter(
  path: string,
  options: LoadPretrainedOptions = {},
): Promise<LoadedSegmenter> {
  const pretrained = await loadPretrained(path, options);
  const { tensors, config: model } = pretrained;
  const description = describe(pretrained);
  const { segmenter } = modelOf(path, { model, head: description.head }, description.classes.length);
  const fit = fitParameters(tensors, shapesOf(segmenter.init(createRandom(0))));
  const missing = fit.missing.filter((name) => !isUnused(name));
  if (missing.length + fit.misshapen.length > 0)
    throw new Error(`${path} is not whole.\n${describeFit({ ...fit, missing })}`);
  const { normalization } = description.views;
  const { head } = description;
  return {
    ...description,
    model,
    params: fit.params,
    wholeFraming: framingAt(pretrained) ?? stretchFraming(model.imageSize, 'bilinear'),
    notes: [
      ...pretrained.notes,
      `Pixels: ${describeNormalization(normalization)}, as ${pretrained.normalization ? 'the model says' : "of the official code's models"}.`,
      ...(pretrained.transformersConfig && 'blocks' in head
        ? [
            `UPerNet takes blocks ${head.blocks.map((block) => block + 1).join(', ')}, as transformers reads out_indices.`,
          ]
        : []),
    ],
  };
}

/** @throws with the file's name where the parts that it describes do not fit together */
function modelOf(path: string, ...described: Parameters<typeof createModel>): ReturnType<typeof createModel> {
  try {
    return createModel(...described);
  } catch (cause) {
    throw new Error(`${path} describes no segmenter: ${messageOf(cause)}`, { cause });
  }
}

type Description = Omit<TrainedSegmenter, 'params' | 'model'>;

function describe({ path, tensors, config, classes, normalization, ...more }: Pretrained): Description {
  if (more.segmenter && classes && normalization) {
    const { palette, head, views, labels = 'ade20k' } = more.segmenter;
    const names = namesFor(classes, palette.length, path);
    return { classes: names, palette, head, views: { ...views, normalization }, annotation: { labels } };
  }
  const classifier = tensors['decode_head.conv_seg.weight'];
  if (!classifier) {
    throw new Error(
      `${path} is no segmenter. Expected a run of this app, its model.safetensors, or a released model for ADE20K.`,
    );
  }
  const head = headOf(more, tensors, config.depth);
  const rows = classifier.shape[0]!;
  // transformers may leave names out, mmsegmentation names every class.
  if (classes && classes.length < rows && !more.transformersConfig)
    throw new Error(`${path} names ${classes.length} classes, but its head has ${rows}; expected as many.`);
  const names = namesFor(classes, rows, path);
  const isAde20k = names.length === ADE20K_CLASSES.length;
  return {
    classes: names,
    palette: more.palette ?? (isAde20k ? ADE20K_PALETTE : createPalette(names.length)),
    head,
    views: { ...ade20kViews(config.imageSize), normalization: normalization ?? IMAGENET_NORMALIZATION },
    annotation: { labels: 'ade20k' },
  };
}

/** What the file says of its head, or what its tensors tell. */
function headOf(
  { transformersConfig, mmsegmentationConfig }: Partial<Pretrained>,
  tensors: NamedTensors,
  depth: number,
): SegmenterHead {
  if (transformersConfig) return uperNetOfTransformers(transformersConfig);
  const stated = mmsegmentationConfig && uperNetOfMmsegmentation(mmsegmentationConfig, tensors);
  return stated ?? inferHead(tensors, depth);
}

/** A file without names is of ADE20K, if it has as many classes. @throws when there are more names than classes */
function namesFor(
  names: readonly (string | undefined)[] | undefined,
  count: number,
  path: string,
): readonly string[] {
  if (names && names.length > count)
    throw new Error(`${path} has ${names.length} names of classes for ${count} classes; expected as many.`);
  if (!names && count === ADE20K_CLASSES.length) return ADE20K_CLASSES;
  return Array.from({ length: count }, (_, label) => names?.[label] ?? `class ${label + 1}`);
}

/** mmsegmentation's for windows of 512, and the official code's for 640: the same for other sizes. */
function ade20kViews(size: ImageSize): SegmenterViews {
  const shorter = Math.min(...imageSides(size));
  return { scale: [4 * shorter, shorter], stride: strideOf(size) };
}

/** From one window to the next: two thirds of it. */
export function strideOf(windowSize: ImageSize): ImageSize {
  const [down, across] = imageSides(windowSize);
  return shortSize([Math.floor((down * 2) / 3), Math.floor((across * 2) / 3)]);
}
