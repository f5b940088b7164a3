import { readMetrics } from '../../packages/trainer/src';

/** At the same steps, in training and evaluation, to so many decimal digits. @param a @param b folders of a stage's run */
export async function expectSameLosses(a: string, b: string, digits = 3): Promise<void> {
  const losses = async (folder: string) =>
    (await readMetrics(folder)).flatMap(({ kind, step, loss }) =>
      typeof loss === 'number' ? [{ kind, step, loss }] : [],
    );
  const expected = await losses(b);
  expect(expected.length).toBeGreaterThan(0);
  expect(await losses(a)).toEqual(
    expected.map(({ loss, ...rest }) => ({ ...rest, loss: expect.closeTo(loss, digits) })),
  );
}
