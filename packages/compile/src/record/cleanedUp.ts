import * as tf from '@tensorflow/tfjs';

/**
 * Runs ops; when they fail, nothing of theirs stays in TensorFlow.js: not the tensors that its tape saved for a backward
 * pass that will not come, not the tape, and no scope that is still open.
 */
export function cleanedUp<R>(f: () => R): R {
  const engine = tf.engine();
  const { state } = engine;
  const { activeTape } = state;
  const scopes = state.scopeStack.length;
  const saved: tf.Tensor[] = [];
  const { keep } = engine;
  // The tape is not enough: a custom gradient may have saved before it failed, when it was not on the tape yet.
  engine.keep = (tensor) => {
    if (state.kernelDepth > 0) saved.push(tensor);
    return keep.call(engine, tensor) as typeof tensor;
  };
  try {
    return f();
  } catch (error) {
    while (state.scopeStack.length > scopes) engine.endScope();
    for (const tensor of saved) tensor.dispose();
    state.activeTape = activeTape;
    throw error;
  } finally {
    engine.keep = keep;
  }
}
