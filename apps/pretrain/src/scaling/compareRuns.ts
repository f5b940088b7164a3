/** Whether two runs have come to the same parameters: prints how far apart they are, and ends with 1 where that is too far. */
import { join } from 'node:path';
import { largestFileDifference } from '@beit/measurements';

/** Sums in another order differ in the last bits, and AdamW enlarges what small gradients differ in. */
const TOLERANCE = 1e-4;

const [first = '', second = ''] = process.argv.slice(2);
for (const file of ['tokenizer.safetensors', 'model.safetensors']) {
  const difference = await largestFileDifference(join(first, file), join(second, file));
  const isSame = difference <= TOLERANCE;
  if (!isSame) process.exitCode = 1;
  console.log(
    `${file}: every parameter within ${difference.toExponential(1)} of its tensor's largest value, ` +
      `${isSame ? 'the same' : `NOT the same: ${TOLERANCE} is allowed`}`,
  );
}
