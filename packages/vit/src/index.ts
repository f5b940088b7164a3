export { adaptInputChannels } from './adaptInputChannels';
export { type AttentionParams, selfAttention } from './attention';
export { createVit, type Encoded, type EncodeOptions, type Vit } from './createVit';
export { drawDropPathKeeps } from './drawDropPathKeeps';
export { type InferOptions, inferVitConfig } from './inferVitConfig';
export { INIT_STD, type InitStyle, initParams } from './initParams';
export { parameterShapes } from './parameterShapes';
export * from './presets';
export {
  biasOfQueries,
  relativePositionBias,
  relativePositionIndex,
  relativePositionRows,
} from './relativePositionBias';
export {
  geometricOffsets,
  type PositionFilter,
  RESIZING,
  type ResizeOptions,
  resizeParams,
  resizePositionEmbedding,
  resizeRelativePositionTable,
  type TableFilter,
  unshareRelativePositionBias,
} from './resizeParams';
export {
  type HeadConfig,
  type ProblemType,
  type TransformersModel,
  transformersConfig,
  vitConfigOfTransformers,
} from './transformersConfig';
export { type GridSize, gridOf, type ResolvedVitConfig, resolveVitConfig, type VitConfig } from './vitConfig';
