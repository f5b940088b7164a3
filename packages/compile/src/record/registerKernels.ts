import { messageOf } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import type { Value } from '../graph/graph';
import { callSite } from './callSite';
import { RECORDED } from './kernels';
import { randomOpError } from './randomOps';
import { currentBuilder, currentRandomOp, graphValue, infoOf, RECORDING_BACKEND } from './recordingBackend';

/**
 * Registers the recorded kernels, and for every other kernel of TensorFlow.js one that says that it can't be traced.
 * Whatever goes wrong inside one, the error names the op and the line that called it.
 */
export function registerKernels(): void {
  for (const [kernelName, kernel] of RECORDED) {
    tf.registerKernel({
      kernelName,
      backendName: RECORDING_BACKEND,
      kernelFunc: ({ inputs, attrs }) => {
        try {
          const values: Record<string, Value> = {};
          for (const [name, tensor] of Object.entries(inputs))
            if (tensor) values[name] = graphValue(tensor as tf.TensorInfo);
          const result = kernel(values, attrs, currentBuilder());
          return Array.isArray(result) ? result.map(infoOf) : infoOf(result as Value);
        } catch (cause) {
          throw new Error(
            `The op '${kernelName}' can't be traced: ${sentence(messageOf(cause))}${callSite()}`,
            {
              cause,
            },
          );
        }
      },
    });
  }
  for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
    if (RECORDED.has(kernelName)) continue;
    tf.registerKernel({
      kernelName,
      backendName: RECORDING_BACKEND,
      kernelFunc: ({ inputs }) => {
        const random = currentRandomOp();
        if (random !== undefined) throw randomOpError(random, inputs.logits?.shape ?? [], 'float32');
        throw new Error(
          `The op '${kernelName}' can't be traced.${callSite()} Compute it outside of the compiled step and pass the ` +
            "result in as an input, write it with other ops, or use engine 'tfjs', which runs eagerly.",
        );
      },
    });
  }
}

const sentence = (text: string): string => (/[.?!]$/.test(text) ? text : `${text}.`);
