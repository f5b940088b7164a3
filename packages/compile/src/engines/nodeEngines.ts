import type { EagerEngine, Engines } from './engine';
import { findOnnxruntime, onnxruntimePrograms } from './onnxruntimeEngine';
import { findOpenvinoEngine, openvinoPrograms } from './openvinoEngine';
import { availableTensorflow, type TensorflowEngineName, tensorflowPrograms } from './tensorflowEngine';

const tensorflow = (name: TensorflowEngineName): EagerEngine => ({
  find: async () => (await availableTensorflow()) === name,
  programs: (steps, stateTree, state) => tensorflowPrograms(name, steps, stateTree, state),
});

/** The engines in Node. */
export const NODE_ENGINES: Engines = {
  compiled: {
    openvino: {
      find: async (options) => {
        const runtime = await findOpenvinoEngine(options);
        return runtime && ((...given) => openvinoPrograms(runtime, ...given));
      },
      install: 'OpenVINO and the package koffi: npm install koffi, then npx @beit/engines install openvino',
    },
    onnxruntime: {
      find: async () => {
        const runtime = await findOnnxruntime();
        return runtime && ((...given) => onnxruntimePrograms(runtime, ...given));
      },
      install: 'the packages onnxruntime-node and koffi: npm install onnxruntime-node koffi',
    },
  },
  eager: { 'tensorflow-gpu': tensorflow('tensorflow-gpu'), tensorflow: tensorflow('tensorflow') },
};
