import { eachReadable } from '../src/loading/eachReadable';

const names = ['a.png', 'b.png', 'c.png'];

test('a fault of the program is none of a picture', async () => {
  const prepare = async () => {
    (undefined as unknown as { data: number[] }).data.fill(0);
  };
  await expect(eachReadable(names, { seed: 0, epoch: 0 }, [1], prepare)).rejects.toThrow(
    /^'b\.png' was not prepared: the program failed, whatever the picture is: Cannot read/,
  );
});

test('a picture that cannot be read is replaced and told of', async () => {
  const prepare = async (index: number) => {
    if (index === 1) throw new RangeError('it is of 0x0 pixels');
  };
  const { indices, unreadable } = await eachReadable(names, { seed: 0, epoch: 0 }, [1], prepare);
  expect(indices).toHaveLength(1);
  expect(indices).not.toContain(1);
  expect(unreadable).toContainEqual({ name: 'b.png', reason: 'it is of 0x0 pixels' });
});
