export type { KnownWheels } from './chooseWheel';
export { installOpenvino, OPENVINO_VERSION } from './installOpenvino';
export { installTensorflow, TENSORFLOW_VERSIONS, type TensorflowInstallOptions } from './installTensorflow';
export { installXla, XLA_VERSIONS, type XlaInstallOptions } from './installXla';
export { removeEngine } from './removeEngine';
export type { InstallOptions } from './withWheel';
