import * as tf from '@tensorflow/tfjs';
import type { EngineName } from '../src';
import { tracingEngines } from './compiledEngines';

/** Checks what every engine that is here, and TensorFlow.js itself, has to do alike; an error names the engine. */
export async function eachEngine(check: (engine: EngineName) => Promise<void>): Promise<void> {
  await tf.setBackend('cpu');
  // TensorFlow runs programs as TensorFlow.js itself does, and has a test of its own.
  for (const engine of [...(await tracingEngines()), 'tfjs'] as const) {
    try {
      await check(engine);
    } catch (error) {
      if (error instanceof Error) error.message = `With engine '${engine}': ${error.message}`;
      throw error;
    }
  }
}
