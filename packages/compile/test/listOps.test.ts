import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listOps } from '../src/record/listOps';

test("the README lists TensorFlow.js's kernels as the code has them", () => {
  const readme = readFileSync(join(__dirname, '../README.md'), 'utf8');
  const { traced, refused } = listOps();
  expect(readme).toContain(`Traced: ${traced.join(', ')}.`);
  expect(readme).toContain(`Refused by name: ${refused.join(', ')}.`);
});
