/** A run in a process of its own, for the test that kills it: `child.ts RUN_DIR TOTAL_STEPS STATE_SIZE`. */
import { silentProgress, train } from '../src/index';
import { fakeBatch, fakeProgram } from './fakeProgram';

const [runDir, totalSteps, size] = process.argv.slice(2) as [string, string, string];
train({
  name: 'child',
  program: fakeProgram(Number(size)),
  batch: fakeBatch,
  totalSteps: Number(totalSteps),
  imagesPerStep: 1,
  runDir,
  config: { size: Number(size) },
  logEvery: 1,
  checkpointEvery: 1,
  progress: silentProgress,
});
