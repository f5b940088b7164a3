const { TestEnvironment } = require('jest-environment-node');

/**
 * Node's environment with the process's own typed arrays. Jest gives every test file its own globals, but native
 * modules (onnxruntime, sharp) make arrays of the process's, and their checks are by `instanceof`.
 */
module.exports = class extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    Object.assign(this.global, {
      Float32Array,
      Float64Array,
      Int8Array,
      Int16Array,
      Int32Array,
      Uint8Array,
      Uint8ClampedArray,
      Uint16Array,
      Uint32Array,
      BigInt64Array,
      BigUint64Array,
      ArrayBuffer,
      SharedArrayBuffer,
      DataView,
    });
  }
};
