import { parseOptions } from '../src/options';

test.each([
  [['--points', '3'], /--points is '3'; expected ROW,COLUMN/],
  [
    ['--size', '480x360'],
    /--size is '480x360'; expected pixels, the side of a square as in 224, or height and width/,
  ],
  [['--size', '480,'], /--size is '480,'/],
  [['--size', '1,2,3'], /--size is '1,2,3'/],
  [['--whole'], /--whole is how --images are shown, and there are none/],
  [
    ['--whole', '--images', 'x.jpg', '--size', '24,48'],
    /--size is '24,48'; with --whole expected one number/,
  ],
  [['measure', '--images', 'x.jpg'], /'measure' needs true masks/],
])('%j is refused', (args, message) => {
  expect(() => parseOptions(args)).toThrow(message);
});

test.each([
  ['480', 480],
  ['360,480', [360, 480]],
  ['224,224', 224],
])('--size %s: a side, or the height first', (text, size) => {
  expect(parseOptions(['--size', text])).toMatchObject({ size, whole: false });
});
