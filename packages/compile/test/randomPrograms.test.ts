import fc from 'fast-check';
import { tracingEngines } from './compiledEngines';
import { randomPrograms, showRandomProgram } from './randomProgram';
import { randomProgramDifference } from './randomProgramDifference';

/** How many programs; more for a longer search: RANDOM_PROGRAMS=5000 RANDOM_SEED=7. */
const COUNT = Number(process.env.RANDOM_PROGRAMS ?? 60);
const SEED = Number(process.env.RANDOM_SEED ?? 1);

test(`${COUNT} random programs: compiled as eager, over several steps`, async () => {
  const engines = await tracingEngines();
  await fc.assert(
    fc.asyncProperty(randomPrograms(), async (program) => {
      const differences = Object.entries(await randomProgramDifference(program, engines));
      if (differences.length > 0) {
        const lines = differences.map(([engine, difference]) => `${engine}: ${difference}`);
        throw new Error(`${lines.join('\n')}\n\n${showRandomProgram(program)}`);
      }
    }),
    { seed: SEED, numRuns: COUNT },
  );
});
