import type { Engines } from './engine';
import { onnxruntime } from './onnxruntime/onnxruntimePrograms';
import { openvino } from './openvino/openvinoPrograms';
import { tensorflow } from './tensorflow/tensorflowPrograms';
import { xla } from './xla/xla';

/** The engines in Node, fastest first. */
export const NODE_ENGINES: Engines = {
  compiled: { xla, openvino, onnxruntime },
  eager: { 'tensorflow-gpu': tensorflow('tensorflow-gpu'), tensorflow: tensorflow('tensorflow') },
};
