import type { StepResult } from '../shared/stepRun';

/** Share of the tokens of one batch that are those of PyTorch in fp32; undefined where that is not there. */
export function tokenAgreement(results: readonly StepResult[]): Record<string, number> | undefined {
  const reference = results.find(({ ours, precision }) => !ours && precision === 'fp32');
  const expected = firstTokens(reference);
  if (!expected) return undefined;
  return Object.fromEntries(
    results.map((result) => {
      const tokens = firstTokens(result)!;
      return [result.name, expected.filter((token, i) => token === tokens[i]).length / expected.length];
    }),
  );
}

/** Every step has the same images, and so the same tokens. */
function firstTokens(result: StepResult | undefined): readonly number[] | undefined {
  const run = result?.runs[0];
  return run?.outputs.tokens?.slice(0, run.outputs.tokens.length / run.seconds.length);
}
