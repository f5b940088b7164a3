export type { DType, HostTensor, NamedTensors } from '@beit/tensors';
export { assertHostTensor, scalar, sizeOf, zeros } from '@beit/tensors';
export type { Labels } from './checkpoint/labelsOf';
export {
  type Checkpoint,
  type CheckpointFormat,
  type LoadCheckpointOptions,
  loadCheckpoint,
  parseCheckpoint,
} from './checkpoint/loadCheckpoint';
export { loadTokenizer } from './checkpoint/loadTokenizer';
export { mmsegmentationLayerNormEpsilon } from './checkpoint/mmsegmentationConfig';
export { namesByNumber } from './checkpoint/namesByNumber';
export {
  type CenterOptions,
  centerFraming,
  channelsOf,
  describeFraming,
  describeNormalization,
  type Framing,
  framedSize,
  type Normalization,
  type PerChannel,
  type Preprocessing,
  type ResampleFilter,
  type Size,
  stretchFraming,
} from './checkpoint/preprocessing';
export type { JsonObject } from './checkpoint/readJson';
export { saveTransformers, type TransformersFiles } from './checkpoint/saveTransformers';
export { classNamesOfTimm } from './checkpoint/timmConfig';
export { describeFit, type Fit, fitEncoder, fitParameters, type ShapeMismatch } from './fitParameters';
export { type LoadOptions, loadSafetensors, loadSafetensorsHeader } from './loadSafetensors';
export { fromFlava, toFlava } from './names/flava';
export { fromMmsegmentation } from './names/mmsegmentation';
export { fromOfficial, fromTimm, toMmsegmentation, toTimm } from './names/official';
export { withoutPrefix, withPrefix } from './names/prefix';
export { fromTransformers, type ToTransformersOptions, toTransformers } from './names/transformers';
export type { SafetensorsHeader, StoredTensor } from './parseHeader';
export { parsePickle, uint8Array } from './parsePickle';
export { parseSafetensors, type Safetensors } from './parseSafetensors';
export { saveSafetensors } from './saveSafetensors';
export { type SerializeOptions, serializePieces, serializeSafetensors } from './serializeSafetensors';
export type { StoredDType } from './storedDType';
export { loadTorch } from './torch/loadTorch';
export { parseTorch } from './torch/parseTorch';
export type { PickleValue } from './torch/pickleValue';
export type { TorchCheckpoint, TorchOptions } from './torch/torchReading';
export { writeFileAtomic } from './writeFileAtomic';
