import { isInstalled } from '../../../tooling/jest/whereInstalled';
import { availableEngines, type EngineName } from '../src';

/**
 * The engines that run compiled programs here.
 *
 * @throws where one is missing that has to be there: a test of no engine would pass
 */
export async function compiledEngines(): Promise<EngineName[]> {
  const engines = (await availableEngines()).filter((engine) => engine !== 'tfjs');
  if (!engines.includes('onnxruntime')) {
    throw new Error(
      `The engine 'onnxruntime' can't be used here, but onnxruntime-node comes with npm install; found: ${engines.join(', ') || 'none'}.`,
    );
  }
  expect(engines.includes('openvino')).toBe(isInstalled('OpenVINO'));
  expect(engines.includes('xla')).toBe(isInstalled('XLA'));
  return engines;
}

/** Those that run what is traced, and not the step op by op. */
export const tracingEngines = async (): Promise<EngineName[]> =>
  (await compiledEngines()).filter((engine) => !engine.startsWith('tensorflow'));
