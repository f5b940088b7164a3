export { availableEngines, chooseEngine, compile, compileForward, compilePrograms } from './compile';
export { describeXla, type XlaDescription, type XlaDevice } from './describeXla';
export { hasNativeBfloat16, openvinoVersion } from './engines/openvino/openvinoPrograms';
export { type TensorflowEngineName, useTensorflow } from './engines/tensorflow/tensorflowPrograms';
export { compileForGpu, type GpuCompileOptions, type GpuTarget } from './engines/xla/compileForGpu';
export * from './portable';
