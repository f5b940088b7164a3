export { installOpenvino, OPENVINO_VERSION } from './installOpenvino';
export { installTensorflow, TENSORFLOW_VERSIONS, type TensorflowInstallOptions } from './installTensorflow';
export { removeEngine } from './removeEngine';
export type { InstallOptions } from './withWheel';
