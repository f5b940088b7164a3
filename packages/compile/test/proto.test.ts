import { encodeOnnx } from '../src/onnx/proto';

test('a graph of very many nodes can be written', () => {
  const nodes = Array.from({ length: 50_000 }, (_, i) => ({
    op: 'Neg',
    inputs: [`t${i}`],
    outputs: [`t${i + 1}`],
  }));
  expect(encodeOnnx({ nodes, initializers: [], inputs: [], outputs: [] }).length).toBeGreaterThan(
    50_000 * 20,
  );
});
