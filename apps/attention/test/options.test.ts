import { parseOptions } from '../src/options';

test.each([
  [['--points', '3'], /--points is '3'; expected ROW,COLUMN/],
  [['measure', '--images', 'x.jpg'], /'measure' needs true masks/],
])('%j is refused', (args, message) => {
  expect(() => parseOptions(args)).toThrow(message);
});
