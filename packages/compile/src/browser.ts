/** The package in a browser, where bundlers take this file for `index.ts`: its programs run on TensorFlow.js itself. */
import type * as node from './compile';
import { compileWith, enginesAmong } from './compileWith';

const NO_ENGINES = { compiled: {}, eager: {} };

export const compile: typeof node.compile = (step, tensors, options = {}) =>
  compileWith(NO_ENGINES, step, tensors, options);

export const availableEngines: typeof node.availableEngines = () => enginesAmong(NO_ENGINES);

export * from './portable';
