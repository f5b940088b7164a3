export { classCounts, type Imbalance, imbalance } from './classCounts';
export { type ConfusedPair, confusedPairs } from './confusedPairs';
export {
  type Classifier,
  type ClassifierConfig,
  type ClassifierOutputs,
  createClassifier,
  type Pooling,
} from './createClassifier';
export {
  createLinearProbe,
  LINEAR_PROBE_ADAMW,
  type LinearProbe,
  type LinearProbeConfig,
  type LinearProbeOutputs,
} from './createLinearProbe';
export { drawMix, type Mix, type MixConfig } from './drawMix';
export { type FinetuneBatch, finetuneLoss, finetuneStep } from './finetuneStep';
export { IMAGENET1K_CLASSES } from './imagenet1k';
export { type KnnOptions, knn, neighborVotes, type VoteOptions } from './knn';
export { type ClassificationMetrics, classificationMetrics } from './metrics';
export { mixImages } from './mixImages';
export { type LabelMetrics, type MultiLabelMetrics, multiLabelMetrics } from './multiLabelMetrics';
export { type MultiLabelTargetOptions, multiLabelTargets } from './multiLabelTargets';
export { type NeighborOptions, type Neighbors, nearestNeighbors } from './nearestNeighbors';
export { pixelValuesToLogits } from './pixelValuesToLogits';
export { probeFeatures } from './probeFeatures';
export { softTargets, type TargetOptions } from './softTargets';
