export { availableEngines, compile } from './compile';
export { type TensorflowEngineName, useTensorflow } from './engines/tensorflowEngine';
export * from './portable';
