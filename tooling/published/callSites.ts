/**
 * A program whose steps can't be traced, each for another reason. It prints the line of its own that each error names,
 * as JSON by name, or the error where that names none.
 */
export const CALL_SITES = `
import * as tf from '@tensorflow/tfjs';
import { exportOnnx, trace } from '@beit/compile';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const refused = (x) => tf.unique(x.flatten()).values;
class Refusing extends tf.layers.Layer {
  static className = 'Refusing';
  call(x) {
    return refused([x].flat()[0]);
  }
  computeOutputShape(shape) {
    return shape;
  }
}
let deep = new Refusing({ inputShape: [3] });
for (let i = 0; i < 8; i++) deep = tf.sequential({ layers: [deep] });
const dense = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
const steps = {
  op: (x) => refused(x),
  gradient: (x) => tf.grad((y) => refused(y))(x),
  layers: (x) => deep.apply(x),
  variable: (x) => dense.apply(x),
  random: (x) => tf.dropout(x, 0.5),
  read: (x) => tf.scalar(x.exp().dataSync()[0]),
};
const inputs = { x: { dtype: 'float32', shape: [2, 3] } };

function named({ message }) {
  const [, file, line] = /Called at (?:.*? \\()?([^()]*):(\\d+):\\d+\\)?\\. /.exec(message + ' ') ?? [];
  if (file === undefined) return message;
  const path = file.startsWith('file:') ? fileURLToPath(file) : file;
  return readFileSync(path, 'utf8').split('\\n')[line - 1].trim();
}
async function use() {
  const found = {};
  for (const [name, f] of Object.entries(steps)) {
    try {
      trace((state, { x }) => ({ state, outputs: { y: f(x) } }), {}, inputs);
    } catch (error) {
      found[name] = named(error);
    }
  }
  await exportOnnx((_, { x }) => ({ y: refused(x) }), { params: {}, inputs }).catch((error) => {
    found.exported = named(error);
  });
  console.log(JSON.stringify(found));
}
void use();
`;

/** What the line of each begins with or contains, unbundled. */
export const CALLED_LINES: Readonly<Record<string, string>> = {
  op: 'const refused =',
  gradient: 'const refused =',
  layers: 'const refused =',
  variable: 'variable: (x) => dense.apply(x)',
  random: 'random: (x) => tf.dropout(x, 0.5)',
  read: 'read: (x) => tf.scalar(x.exp().dataSync()[0])',
  exported: 'const refused =',
};
