export { attentionDistance } from './attentionDistance';
export { attentionRollout, type RolloutOptions } from './attentionRollout';
export { keepMass } from './keepMass';
export { attentionOfImages, type GridSize, type LayerAttention } from './layerAttention';
export { type Objectness, objectness } from './objectness';
export { meanMap, patchAttention } from './patchAttention';
export { rocAuc } from './rocAuc';
