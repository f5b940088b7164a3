/**
 * What stands for `@tensorflow/tfjs` in the page: programs are only traced with it, so layers, converters and the other
 * backends would be half of the worker's weight for nothing.
 */
import '@tensorflow/tfjs-backend-cpu';

export * from '@tensorflow/tfjs-core';
