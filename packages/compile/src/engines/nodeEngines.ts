import type { EagerEngine, Engines } from './engines';
import { findOnnxruntime, onnxruntimeProgram } from './onnxruntimeEngine';
import { findOpenvinoEngine, openvinoProgram } from './openvinoEngine';
import { availableTensorflow, type TensorflowEngineName, tensorflowProgram } from './tensorflowEngine';

const tensorflow = (name: TensorflowEngineName): EagerEngine => ({
  find: async () => (await availableTensorflow()) === name,
  program: (step, state, inputs) => tensorflowProgram(name, step, state, inputs) as never,
});

/** The engines in Node. */
export const NODE_ENGINES: Engines = {
  compiled: {
    openvino: {
      find: async (options) => {
        const runtime = await findOpenvinoEngine(options);
        return runtime && ((traced, state) => openvinoProgram(runtime, traced, state, options) as never);
      },
      install: 'OpenVINO and the package koffi: npm install koffi, then npx @beit/engines install openvino',
    },
    onnxruntime: {
      find: async () => {
        const runtime = await findOnnxruntime();
        return (
          runtime &&
          ((traced, state, options) => onnxruntimeProgram(runtime, traced, state, options) as never)
        );
      },
      install: 'the packages onnxruntime-node and koffi: npm install onnxruntime-node koffi',
    },
  },
  eager: { 'tensorflow-gpu': tensorflow('tensorflow-gpu'), tensorflow: tensorflow('tensorflow') },
};
