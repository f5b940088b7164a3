export {
  type Backbone,
  type Classifier,
  type ClassifierConfig,
  type ClassifierOutputs,
  createClassifier,
  type Pooling,
  type TensorParams,
} from './createClassifier';
export { drawMix, type Mix, type MixConfig } from './drawMix';
export { type FinetuneBatch, type FinetuneTensors, finetuneLoss, finetuneStep } from './finetuneStep';
export { type ClassificationMetrics, classificationMetrics } from './metrics';
export { mixImages } from './mixImages';
export { pixelValuesToLogits } from './pixelValuesToLogits';
export { softTargets, type TargetOptions } from './softTargets';
export { type EncoderConfig, type TransformersFolder, transformersFolder } from './transformersFolder';
