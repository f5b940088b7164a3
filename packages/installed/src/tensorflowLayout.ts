/**
 * What an installed TensorFlow is made of, beside its libraries in `tensorflow` and its kernels in `tfjs-node`: the two
 * names that whoever installs it and whoever loads it must have in common.
 */

/** The file of tfjs-node's binding, beside the libraries. */
export const BINDING = 'tfjs_binding.node';

/** Under this name the TensorFlow.js of the program is handed to tfjs-node's kernels. */
export const TFJS_SYMBOL = 'beit.tfjs';
