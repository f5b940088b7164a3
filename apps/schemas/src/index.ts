export {
  framingOf,
  type ModelMetadata,
  normalizationOf,
  readModelMetadata,
  type SegmenterViews,
  writeModelMetadata,
} from './modelMetadata';
export * from './recipeSchema';
export { decidedSegmenterHead } from './segmenterHead';
