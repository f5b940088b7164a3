// Runs a `.onnx` file with the runtime that argv[2] names, on the JSON of stdin: { file, runs: [{ name: tensor }] }, the
// tensors' bytes in base64.
// Tests run in a sandbox without `import()`, with which onnxruntime-web loads its WebAssembly.
import { text } from 'node:stream/consumers';

const ARRAYS = { float32: Float32Array, int32: Int32Array };
const { env, InferenceSession, Tensor } = await import(process.argv[2]);
env.wasm.numThreads = 1;
const { file, runs } = JSON.parse(await text(process.stdin));
const session = await InferenceSession.create(file);
const results = [];
for (const inputs of runs) {
  const feeds = Object.entries(inputs).map(([name, { dtype, shape, data }]) => [
    name,
    new Tensor(dtype, new ARRAYS[dtype](new Uint8Array(Buffer.from(data, 'base64')).buffer), shape),
  ]);
  const outputs = await session.run(Object.fromEntries(feeds));
  results.push(
    Object.fromEntries(
      Object.entries(outputs).map(([name, { type, dims, data }]) => [
        name,
        {
          dtype: type,
          shape: dims,
          data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
        },
      ]),
    ),
  );
}
console.log(JSON.stringify(results));
