import { loadPretrained, shapesOf } from '@beit/apps-shared';
import { createRandom } from '@beit/random';
import type { Color } from '@beit/segmentation';
import type { VitConfig } from '@beit/vit';
import { describeFit, fitParameters, type NamedTensors, saveSafetensors } from '@beit/weights';
import { createModel, isAuxiliary } from './model';
import type { SegmentRecipe } from './recipe';

/** What evaluation needs of the views. */
export type PlainViews = Pick<SegmentRecipe['views'], 'normalization' | 'scale' | 'stride'>;

/** A trained segmenter: all that a prediction needs. */
export interface TrainedSegmenter {
  readonly params: NamedTensors;
  readonly classes: readonly string[];
  readonly palette: readonly Color[];
  readonly model: VitConfig;
  readonly head: SegmentRecipe['head'];
  readonly views: PlainViews;
}

/** Parameters without auxiliary heads, with everything else as the file's metadata. */
export async function saveSegmenter(path: string, trained: TrainedSegmenter): Promise<void> {
  const { params, classes, palette, model, head } = trained;
  const { normalization, scale, stride } = trained.views;
  const kept = Object.entries(params).filter(([name]) => !isAuxiliary(name));
  await saveSafetensors(path, Object.fromEntries(kept), {
    config: JSON.stringify(model),
    classes: JSON.stringify(classes),
    normalization: JSON.stringify(normalization),
    segmenter: JSON.stringify({ palette, head: { ...head, auxiliary: [] }, views: { scale, stride } }),
  });
}

/** A segmenter of this app. @throws when the file is none, or lacks a part: the error lists it */
export async function loadSegmenter(path: string): Promise<TrainedSegmenter> {
  const { tensors, config, classes, normalization, metadata } = await loadPretrained(path);
  if (metadata.segmenter === undefined || !classes || !normalization) {
    throw new Error(`${path} is no segmenter. Expected a run of this app, or its model.safetensors.`);
  }
  const { palette, head, views } = JSON.parse(metadata.segmenter) as Pick<
    TrainedSegmenter,
    'palette' | 'head'
  > & {
    views: Omit<PlainViews, 'normalization'>;
  };
  const { segmenter } = createModel({ model: config, head }, classes.length);
  const fit = fitParameters(tensors, shapesOf(segmenter.init(createRandom(0))));
  if (fit.missing.length + fit.misshapen.length > 0)
    throw new Error(`${path} is not whole.\n${describeFit(fit)}`);
  return { params: fit.params, classes, palette, model: config, head, views: { ...views, normalization } };
}
