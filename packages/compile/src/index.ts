export { availableEngines, chooseEngine, compile, compileForward, compilePrograms } from './compile';
export { hasNativeBfloat16, openvinoVersion } from './engines/openvino/openvinoPrograms';
export { type TensorflowEngineName, useTensorflow } from './engines/tensorflow/tensorflowPrograms';
export * from './portable';
