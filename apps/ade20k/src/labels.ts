/** What the numbers of a folder's masks are taken for, and what is said of it before anything is trained or measured. */
import { UsageError } from '@beit/cli';
import {
  type AnnotationOptions,
  chooseLabels,
  describeNumbers,
  fitLabels,
  LABEL_NUMBERS,
  type LabelFit,
  type LabelNumbers,
  type MaskSurvey,
} from '@beit/data';

/** Parts of a data set, as its folders are called. */
export type Surveys = Readonly<Record<'training' | 'validation', MaskSurvey>>;

export interface LabelQuestion {
  readonly classes: readonly string[];
  /** Whether the folder says which classes there are; otherwise they are ADE20K's, and so are the numbers. */
  readonly named: boolean;
  readonly surveys: Surveys;
  /** What the user or the recipe says. */
  readonly asked?: LabelNumbers;
  /** What to take where nobody says and the masks do not tell. */
  readonly otherwise?: LabelNumbers;
}

export interface FoundLabels {
  readonly annotation: AnnotationOptions;
  /** Lines for people: what was found and taken, and what to beware of. */
  readonly messages: readonly string[];
}

const MOST_NAMED = 8;
const LIST = 'pnpm --filter ade20k start -- masks --data DIR';

/**
 * One way to read all masks.
 *
 * @throws UsageError when no mask can be read, a number has no meaning, no pixel has a class, or the masks fit several ways:
 *   it says what was found and what to do
 */
export function labelsOf({ classes, named, surveys, asked, otherwise }: LabelQuestion): FoundLabels {
  assertReadable(surveys);
  const numClasses = classes.length;
  const numbers = numbersOf(surveys);
  if (asked === 'binary' && numClasses !== 2)
    throw new UsageError(
      `--labels is 'binary', for two classes; there are ${numClasses}: ${listed(classes)}.`,
    );
  const byDefault = named ? (chooseLabels(numbers.keys(), numClasses) ?? otherwise) : 'ade20k';
  const labels = asked ?? byDefault ?? onlyOrNone(numbers, classes);
  const annotation = { numClasses, labels };
  assertFits(fitLabels(numbers.keys(), annotation), { annotation, numbers, named, classes });
  return {
    annotation,
    messages: [
      taken(annotation, numbers, surveys, classes),
      ...unusable(surveys),
      ...withoutPixels(annotation, surveys, classes),
    ],
  };
}

type Numbers = ReadonlyMap<number, string>;

/** Each number with the first mask that has it. */
const numbersOf = (surveys: Surveys): Numbers =>
  new Map(
    Object.entries(surveys)
      .reverse()
      .flatMap(([part, { numbers }]) =>
        [...numbers].map(([number, { mask }]) => [number, `${part}/${mask}`] as const),
      )
      .sort(([a], [b]) => a - b),
  );

function assertReadable(surveys: Surveys): void {
  for (const [part, { seen, unreadable, colored }] of Object.entries(surveys)) {
    if (colored.length > 0)
      throw new UsageError(
        `${colored.length} of ${seen} ${part} masks are pictures in colors, such as '${part}/${colored[0]}': nothing says ` +
          `which color is which class. '${LIST}' lists the colors, and turns them into classes.`,
      );
    const [first] = unreadable;
    if (first && unreadable.length === seen)
      throw new UsageError(
        `None of the ${part} masks can be read; the first is '${part}/${first.name}': ${first.reason}.`,
      );
  }
}

/** The ways to read masks in which every number has a meaning and some pixel a class. */
const fittingWays = (numbers: Numbers, numClasses: number): LabelNumbers[] =>
  LABEL_NUMBERS.filter((labels) => labels !== 'binary' || numClasses === 2)
    .map((labels) => fitLabels(numbers.keys(), { labels, numClasses }))
    .filter(({ strays, present }) => strays.length === 0 && present.length > 0)
    .map(({ labels }) => labels);

const described = (ways: readonly LabelNumbers[], classes: readonly string[]): string =>
  ways
    .map((labels) => `--labels ${labels} (${meaning({ numClasses: classes.length, labels }, classes)})`)
    .join(' or ');

/** Where the masks do not tell. */
function onlyOrNone(numbers: Numbers, classes: readonly string[]): LabelNumbers {
  const ways = fittingWays(numbers, classes.length);
  // What is wrong is said of the way that has the most room.
  if (ways.length === 0) return numbers.has(0) ? 'from-zero' : 'ade20k';
  throw new UsageError(
    `The masks have ${ranges(numbers.keys())}, and ${classes.length} classes are named: they do not tell whether 0 is a ` +
      `class. Say ${described(ways, classes)}.`,
  );
}

interface Looked {
  readonly annotation: AnnotationOptions;
  readonly numbers: Numbers;
  readonly named: boolean;
  readonly classes: readonly string[];
}

function assertFits({ strays, present }: LabelFit, { annotation, numbers, named, classes }: Looked): void {
  const { labels, numClasses } = annotation;
  const names = named
    ? `the ${numClasses} names of classes.json, ${listed(classes)}`
    : `ADE20K's ${numClasses} classes, as there is no classes.json`;
  const expected = `--labels ${labels} expects ${describeNumbers(annotation)}, for ${names}`;
  if (strays.length > 0)
    throw new UsageError(
      `The masks have ${ranges(numbers.keys())}: ${ranges(strays)} ${strays.length === 1 ? 'is' : 'are'} no class ` +
        `('${numbers.get(strays[0]!)}' has ${strays[0]}). ${expected}. Name all classes, give another --labels, or turn ` +
        `numbers into classes: '${LIST}'.`,
    );
  if (present.length === 0)
    throw new UsageError(
      `No pixel of the masks has a class: they have ${ranges(numbers.keys())} alone. ${expected}. ` +
        'Masks of two numbers need two names, classes.json: ["background", "object"].',
    );
}

/** What each way makes of the smallest and the largest number. */
function meaning({ labels, numClasses }: AnnotationOptions, classes: readonly string[]): string {
  const last = `'${classes[numClasses - 1]}'`;
  if (labels === 'binary') return `0 is '${classes[0]}', 255 is ${last}`;
  return labels === 'ade20k'
    ? `0 is none, 1 is '${classes[0]}', ${numClasses} is ${last}`
    : `0 is '${classes[0]}', ${numClasses - 1} is ${last}, 255 is none`;
}

function taken(
  annotation: AnnotationOptions,
  numbers: Numbers,
  surveys: Surveys,
  classes: readonly string[],
): string {
  const others = fittingWays(numbers, classes.length).filter((labels) => labels !== annotation.labels);
  const seen = Object.entries(surveys).map(([part, { seen, masks }]) => `${seen} of ${masks} ${part} masks`);
  return (
    `Numbers in ${seen.join(' and ')}: ${ranges(numbers.keys())}. Taken as --labels ${annotation.labels}: ` +
    `${meaning(annotation, classes)}. ${others.length === 0 ? 'No other --labels fits' : `Otherwise: ${described(others, classes)}`}.`
  );
}

const unusable = (surveys: Surveys): string[] =>
  Object.entries(surveys).flatMap(
    ([
      part,
      {
        seen,
        unreadable: [first, ...more],
      },
    ]) =>
      first
        ? [
            `Warning: ${1 + more.length} of these ${seen} ${part} masks cannot be read and will be left out, such as ` +
              `'${part}/${first.name}': ${first.reason}.`,
          ]
        : [],
  );

function withoutPixels(
  annotation: AnnotationOptions,
  surveys: Surveys,
  classes: readonly string[],
): string[] {
  const { training, validation } = surveys;
  const [learned, measured] = [training, validation].map(({ numbers }) =>
    fitLabels(numbers.keys(), annotation),
  ) as [LabelFit, LabelFit];
  const isSample = training.seen < training.masks || validation.seen < validation.masks;
  const chance = isSample ? ` Not all masks were looked at: '${LIST}' does.` : '';
  const nowhere = learned.missing.filter((label) => !measured.present.includes(label));
  const measuredAlone = learned.missing.filter((label) => measured.present.includes(label));
  const warning = (what: string, labels: readonly number[]) =>
    labels.length > 0 ? [`Warning: ${what} ${listed(labels.map((label) => classes[label]!))}.${chance}`] : [];
  return [
    ...warning('no pixel of these masks is', nowhere),
    ...warning('only validation masks have, so that nothing teaches it:', measuredAlone),
  ];
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMED).map((name) => `'${name}'`);
  const more = names.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** `0 to 11, 255` */
function ranges(sorted: Iterable<number>): string {
  const runs: [from: number, to: number][] = [];
  for (const number of sorted) {
    const last = runs.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else runs.push([number, number]);
  }
  const shown = runs.slice(0, MOST_NAMED).map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`));
  return shown.join(', ') + (runs.length > shown.length ? ', ...' : '');
}
