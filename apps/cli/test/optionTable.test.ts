import { UsageError } from '../src/commandLine';
import { number, oneOf, text, whole } from '../src/options/optionReaders';
import { flag, option, optionHelp, parseOptionTable, repeatable } from '../src/options/optionTable';

const TABLE = {
  name: option('NAME', 'of the run, which is\ntold to nobody', text),
  color: option('COLOR', 'red or blue (red by default)', oneOf(['red', 'blue']), 'red'),
  width: option('N', undefined, whole(1)),
  height: option('N', 'in pixels', whole(1), 5),
  share: repeatable('X', 'of everything', number(0, 1)),
  'dry-run': flag('does nothing'),
};

const parsed = (...args: string[]) => {
  const result = parseOptionTable(TABLE, args, { allowPositionals: true });
  if (result === 'help') throw new Error('There is only help.');
  return result;
};

test('values have their defaults and types', () => {
  const { values } = parsed();
  const { name, color, height }: { name?: string; color: 'red' | 'blue'; height: number } = values;
  expect([name, color, height, values['dry-run']]).toEqual([undefined, 'red', 5, false]);
  expect(values.share).toEqual([]);
});

test('what is given is read, and the last of several counts', () => {
  const { values, typed, positionals } = parsed(
    ...['--width', '3', '--', '--width=04', 'file', '--share', '0.5', '--share', '1', '--dry-run'],
  );
  expect(values).toMatchObject({ width: 4, share: [0.5, 1], 'dry-run': true });
  expect(typed.width).toBe('04');
  expect(positionals).toEqual(['file']);
});

test('help is asked for before anything is read', () => {
  expect(parseOptionTable(TABLE, ['-h', '--width', 'wide'])).toBe('help');
});

test.each([
  [['--width', '0'], "--width is '0'; expected a whole number of at least 1."],
  [['--width', ''], "--width is ''; expected a whole number"],
  [['--share', '2'], "--share is '2'; expected a number from 0 to 1."],
  [['--color', 'green'], "--color is 'green'; expected one of red, blue."],
  [['--depth', '3'], /^There is no option --depth\.$/],
  [['--constructor'], /^There is no option --constructor\.$/],
  [['-x'], /^There is no option -x\.$/],
  [['--name'], /^--name has no value; expected --name NAME\.$/],
  [
    ['--name', '--dry-run'],
    /^--name has no value before --dry-run; expected --name NAME, or --name=--dry-run\.$/,
  ],
  [['--width', '-1'], /^--width has no value before -1/],
  [['--width=-1'], "--width is '-1'; expected a whole number of at least 1."],
  [['--dry-run=no'], /^--dry-run is 'no'; expected no value\.$/],
])('%j is a mistake', (args, message) => {
  expect(() => parsed(...args)).toThrow(UsageError);
  expect(() => parsed(...args)).toThrow(message);
});

test('the help has a line for every option, or one for several', () => {
  expect(optionHelp(TABLE, 16)).toBe(
    [
      '  --name NAME   of the run, which is',
      '                told to nobody',
      '  --color COLOR red or blue (red by default)',
      '  --width N, --height N',
      '                in pixels (default: 5)',
      '  --share X     of everything',
      '  --dry-run     does nothing',
      '  --help        this text',
    ].join('\n'),
  );
});
