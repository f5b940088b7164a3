/** The package in a browser, where bundlers take this file for `index.ts`: its programs run on TensorFlow.js itself. */
import type * as node from './compile';
import { compileWith, enginesAmong } from './compileWith';

export const compile: typeof node.compile = (step, tensors, options = {}) =>
  compileWith({}, step, tensors, options);

export const availableEngines: typeof node.availableEngines = () => enginesAmong({});

export * from './portable';
