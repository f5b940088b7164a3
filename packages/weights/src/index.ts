export type { DType, HostTensor, NamedTensors } from './hostTensor';
export { assertHostTensor, scalar, sizeOf, zeros } from './hostTensor';
export { type LoadOptions, loadSafetensors, loadSafetensorsHeader } from './loadSafetensors';
export type { SafetensorsHeader, StoredTensor } from './parseHeader';
export { parseSafetensors, type Safetensors } from './parseSafetensors';
export { saveSafetensors } from './saveSafetensors';
export { serializePieces, serializeSafetensors } from './serializeSafetensors';
export type { StoredDType } from './storedDType';
export { writeFileAtomic } from './writeFileAtomic';
