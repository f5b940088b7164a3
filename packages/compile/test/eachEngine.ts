import * as tf from '@tensorflow/tfjs';
import { availableEngines, type EngineName } from '../src';

/** Checks what every engine that is here has to do alike; an error names the engine. */
export async function eachEngine(check: (engine: EngineName) => Promise<void>): Promise<void> {
  await tf.setBackend('cpu');
  // TensorFlow runs programs as TensorFlow.js itself does, and has a test of its own.
  const engines = (await availableEngines()).filter((engine) => !engine.startsWith('tensorflow'));
  for (const engine of engines) {
    try {
      await check(engine);
    } catch (error) {
      if (error instanceof Error) error.message = `With engine '${engine}': ${error.message}`;
      throw error;
    }
  }
}
