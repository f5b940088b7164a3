/** What needs nothing but TensorFlow.js, in Node and in browsers alike. */
export type { HostTensor, Step, TensorSpec, Tree, TreeOf } from '@beit/tensors';
export type { EngineChoice } from './chooseEngine';
export type { CompileOptions } from './compileOptions';
export { type ExportInput, type ExportOptions, exportOnnx } from './export/exportOnnx';
export { exportStablehlo } from './export/exportStablehlo';
export { forwardStep } from './forwardStep';
export type { Graph, Node, Value } from './graph/graph';
export { countOps, printGraph } from './graph/printGraph';
export { encodeOnnx, type OnnxHeader, type OnnxModel } from './onnx/proto';
export { toOnnx } from './onnx/toOnnx';
export { optimize } from './passes/optimize';
export { type Trace, trace } from './record/trace';
export type {
  CompiledProgram,
  CompiledPrograms,
  EngineName,
  GivenTensor,
  InputsOf,
  OutputsOf,
  Precision,
  ProgramMemory,
  StateOf,
  Steps,
  StepTensors,
} from './types';
