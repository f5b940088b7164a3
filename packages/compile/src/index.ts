export { availableEngines, compile } from './compile';
export { hasNativeBfloat16, openvinoVersion } from './engines/openvinoEngine';
export { type TensorflowEngineName, useTensorflow } from './engines/tensorflowEngine';
export * from './portable';
