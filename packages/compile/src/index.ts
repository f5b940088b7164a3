export { availableEngines, compile, compileForward, compilePrograms } from './compile';
export { hasNativeBfloat16, openvinoVersion } from './engines/openvinoEngine';
export { type TensorflowEngineName, useTensorflow } from './engines/tensorflowEngine';
export * from './portable';
