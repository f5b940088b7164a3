import type { CompiledEngine } from './compiledEngine';
import { findOnnxruntime, onnxruntimeProgram } from './onnxruntimeEngine';
import { findOpenvinoEngine, openvinoProgram } from './openvinoEngine';

/** The engines that run traced programs in Node, fastest first. */
export const NODE_ENGINES: Readonly<Record<string, CompiledEngine>> = {
  openvino: {
    find: async (options) => {
      const runtime = await findOpenvinoEngine(options);
      return runtime && ((traced, state) => openvinoProgram(runtime, traced, state, options) as never);
    },
    install: 'OpenVINO and the package koffi: npm install koffi, then npx beit-engine install openvino',
  },
  onnxruntime: {
    find: async () => {
      const runtime = await findOnnxruntime();
      return (
        runtime && ((traced, state, options) => onnxruntimeProgram(runtime, traced, state, options) as never)
      );
    },
    install: 'the package onnxruntime-node: npm install onnxruntime-node',
  },
};
