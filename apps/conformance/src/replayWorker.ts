/**
 * A process that answers questions, one after the other, each in a file that it is told of. An engine may take it down.
 */
import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';
import * as tf from '@tensorflow/tfjs';
import { answer, type Question } from './answer';

tf.enableProdMode();
await tf.setBackend('cpu');
process.on('message', async (file: string) => {
  process.send!(await answer(deserialize(readFileSync(file)) as Question));
});
process.on('disconnect', () => process.exit());
process.send!('ready');
