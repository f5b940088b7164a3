/** What is said of masks before anything is trained or measured. */
import type { LabelNumbers, MaskSurvey } from '@beit/data';
import { type LabelQuestion, labelsOf } from '../src/labels';

interface Found extends Partial<MaskSurvey> {
  readonly has: readonly number[];
}

const survey = ({ has, ...more }: Found): MaskSurvey => ({
  masks: 10,
  seen: 10,
  numbers: new Map(has.map((number) => [number, { pixels: 5, mask: 'a.png' }])),
  unreadable: [],
  colored: [],
  ...more,
});

const question = (
  classes: readonly string[],
  training: Found,
  { validation = training, ...more }: { validation?: Found } & Partial<LabelQuestion> = {},
): LabelQuestion => ({
  classes,
  named: true,
  surveys: { training: survey(training), validation: survey(validation) },
  ...more,
});

const upTo = (last: number) => Array.from({ length: last + 1 }, (_, number) => number);
const TWO = ['background', 'object'];
const CAMVID = 'sky building pole road pavement tree sign fence car pedestrian bicyclist'.split(' ');

test.each<[string, readonly string[], Found, LabelNumbers, RegExp]>([
  [
    '0 and 255',
    TWO,
    { has: [0, 255] },
    'binary',
    /: 0, 255\. Taken as --labels binary: 0 is 'background', 255 is 'object'\. Otherwise: --labels from-zero \(0 is 'background', 1 is 'object', 255 is none\)\.$/,
  ],
  ['0 and 1', TWO, { has: [0, 1] }, 'from-zero', /: 0 to 1\. Taken as --labels from-zero: 0 is 'background'/],
  [
    'CamVid',
    CAMVID,
    { has: upTo(11) },
    'ade20k',
    /: 0 to 11\. .* 0 is none, 1 is 'sky', 11 is 'bicyclist'\. No other --labels fits\.$/,
  ],
])(
  '%s: the first line says what was found, taken, and how to say otherwise',
  (_, classes, found, labels, line) => {
    const { annotation, messages } = labelsOf(question(classes, found));
    expect(annotation).toEqual({ labels, numClasses: classes.length });
    expect(messages).toEqual([expect.stringMatching(line)]);
  },
);

test('without names they are ADE20K, whatever numbers there are', () => {
  const classes = upTo(149).map((label) => `class ${label}`);
  const { annotation } = labelsOf(question(classes, { has: upTo(90) }, { named: false }));
  expect(annotation.labels).toBe('ade20k');
});

test('what the user says goes before what the masks tell, and that before what a model says', () => {
  const labels = (more: Partial<LabelQuestion>, has = [0, 1]) =>
    labelsOf(question(TWO, { has }, more)).annotation.labels;
  expect(labels({ asked: 'ade20k' })).toBe('ade20k');
  expect(labels({ otherwise: 'ade20k' })).toBe('from-zero');
  expect(
    labelsOf(question([...TWO, 'third'], { has: [1, 2] }, { otherwise: 'ade20k' })).annotation.labels,
  ).toBe('ade20k');
});

test('0 and 1 read as ADE20K have no second class, and that is said', () => {
  const { messages } = labelsOf(question(TWO, { has: [0, 1] }, { asked: 'ade20k' }));
  expect(messages[1]).toBe("Warning: no pixel of these masks is 'object'.");
});

test('warnings: a class of no pixel, one of validation alone, masks that cannot be read', () => {
  const bad = [{ name: 'b.png', reason: 'not a PNG file' }];
  const { messages } = labelsOf(
    question(
      ['ground', 'cat', 'dog', 'cow'],
      { has: [0, 2, 255], unreadable: bad, seen: 3, masks: 10 },
      {
        validation: { has: [0, 1] },
        asked: 'from-zero',
      },
    ),
  );
  expect(messages.slice(1)).toEqual([
    "Warning: 1 of these 3 training masks cannot be read and will be left out, such as 'training/b.png': not a PNG file.",
    expect.stringMatching(/^Warning: no pixel of these masks is 'cow'\. Not all masks were looked at/),
    expect.stringMatching(/^Warning: only validation masks have, so that nothing teaches it: 'cat'\./),
  ]);
});

test.each<[string, LabelQuestion, RegExp]>([
  [
    '0 and 255 with ADE20K names',
    question(upTo(149).map(String), { has: [0, 255] }, { named: false }),
    /No pixel of the masks has a class: they have 0, 255 alone.*no classes\.json.*\["background", "object"\]/,
  ],
  [
    '0 and 255 as ADE20K',
    question(TWO, { has: [0, 255] }, { asked: 'ade20k' }),
    /No pixel of the masks has a class.*--labels ade20k expects 0 for none, 1 to 2/,
  ],
  [
    'more values than names',
    question(TWO, { has: [0, 1] }, { validation: { has: [0, 7] } }),
    /have 0 to 1, 7: 7 is no class \('validation\/a\.png' has 7\).*the 2 names of classes\.json, 'background', 'object'/,
  ],
  [
    'numbers that fit two ways',
    question([...TWO, 'third'], { has: [1, 2] }),
    /do not tell whether 0 is a class.*--labels ade20k \(0 is none.*or --labels from-zero \(0 is 'background'/,
  ],
  [
    'binary of three',
    question([...TWO, 'third'], { has: [0, 255] }, { asked: 'binary' }),
    /for two classes; there are 3/,
  ],
  [
    'masks in colors',
    question(TWO, { has: [0, 1], colored: ['c.png'], unreadable: [{ name: 'c.png', reason: 'rgb' }] }),
    /1 of 10 training masks are pictures in colors, such as 'training\/c\.png'.*-- masks --data DIR/,
  ],
  [
    'none that can be read',
    question(TWO, { has: [], seen: 1, masks: 1, unreadable: [{ name: 'c.png', reason: 'cut off' }] }),
    /None of the training masks can be read; the first is 'training\/c\.png': cut off/,
  ],
])('%s: an error before training', (_, asked, message) => {
  expect(() => labelsOf(asked)).toThrow(message);
});
