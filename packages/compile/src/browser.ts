/** The package in a browser, where bundlers take this file for `index.ts`: its programs run on TensorFlow.js itself. */

import { chooseAmong, explainedChoice } from './chooseEngine';
import { compileProgramsWith, compileWith, enginesAmong } from './compileWith';
import { forwardStep } from './forwardStep';
import type * as node from './index';

const NO_ENGINES = { compiled: {}, eager: {} };

export const compile: typeof node.compile = (step, tensors, options = {}) =>
  compileWith(NO_ENGINES, step, tensors, options);

export const compileForward: typeof node.compileForward = (fn, { params, inputs }, options = {}) =>
  compile(forwardStep(fn), { state: params, inputs }, options);

export const compilePrograms: typeof node.compilePrograms = (steps, tensors, options = {}) =>
  compileProgramsWith(NO_ENGINES, steps, tensors, options);

export const chooseEngine: typeof node.chooseEngine = async (options = {}) =>
  explainedChoice(await chooseAmong(NO_ENGINES, options));

export const availableEngines: typeof node.availableEngines = () => enginesAmong(NO_ENGINES);

export const compileForGpu: typeof node.compileForGpu = () =>
  Promise.reject(new Error('Programs are compiled for GPUs in Node, not in a browser.'));

export const describeXla: typeof node.describeXla = () => Promise.resolve(undefined);

export const hasNativeBfloat16: typeof node.hasNativeBfloat16 = () => Promise.resolve(false);

export const openvinoVersion: typeof node.openvinoVersion = () => Promise.resolve(undefined);

export const useTensorflow: typeof node.useTensorflow = (name) =>
  Promise.reject(new Error(`The engine '${name}' runs in Node, not in a browser.`));

export * from './portable';
