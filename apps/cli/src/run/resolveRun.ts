import { readFile } from 'node:fs/promises';
import { configDifferences } from '@beit/trainer';
import type { z } from 'zod';
import { UsageError } from '../commandLine';
import { atCommit, commitOnHub, isOnHub } from '../onHub';
import type { OptionTexts } from '../options/optionTable';
import { checkedRecipe, readRecipe } from '../recipeFile';
import { begunFolder, newFolder, recipeOf } from './runFolder';

/** The options of a run, whichever app it is of. */
type RunValues = Readonly<Record<string, unknown>> & {
  /** Name or path. */
  readonly recipe: string;
  readonly out?: string;
  readonly resume: boolean;
};

/** What each command says for itself. */
const OWN = ['recipe', 'out', 'resume', 'dry-run', 'quiet', 'top'];

/** What computes the numbers may change on the way; each group is said anew, or is that of the run. */
const COMPUTES = [
  ['engine', 'device', 'devices'],
  ['threads'],
  ['workers'],
  ['checkpoint-minutes'],
  ['shard-optimizer'],
];

export interface RunCommand<Values extends RunValues, Recipe> {
  /** Whether there is to be a run; what only looks has a recipe and its options. */
  readonly trains: boolean;
  /** Whether it is only looked at what a run would do: no folder is made for it. */
  readonly looks?: boolean;
  /** What was typed. */
  readonly asked: { readonly values: Values; readonly typed: OptionTexts };
  /** The values of other texts of options, by name. */
  read(texts: OptionTexts): Values;
  /** Recipes that have names. */
  readonly recipes: readonly Recipe[];
  readonly schema: z.ZodType<Recipe>;
  /** Options that change the recipe... */
  readonly overrides: readonly string[];
  /** ...which is what it was where they say what it says. */
  override(recipe: Recipe, values: Values): Recipe;
  /** A recipe with what that of a run took from its data, and from its checkpoint where it began with one. */
  begunAs?(recipe: Recipe, begun: Recipe, withCheckpoint: boolean): Recipe;
  /** Of the folders of the app's runs. */
  readonly prefix: string;
}

export interface ResolvedRun<Values, Recipe> {
  readonly values: Values;
  readonly recipe: Recipe;
  /** Absolute; of a training always there. */
  readonly out?: string;
  /** What the folder says of the run beside its recipe: the options that it was begun with. */
  readonly how: OptionTexts;
}

/**
 * The run that the command line asks for: a new one, or with `--resume` one that was begun, as its folder says. What is
 * said again must be what it was, but for what computes it. What is named on the Hub is taken at the commit that the name
 * stood for when the run was begun, which its folder says.
 *
 * @throws UsageError where the folder holds a run, or none to continue; with every difference to that one; Error where the
 *   Hub and its cache do not have what is named
 */
export async function resolveRun<Values extends RunValues, Recipe extends { readonly name: string }>(
  command: RunCommand<Values, Recipe>,
): Promise<ResolvedRun<Values, Recipe>> {
  const { asked, read, recipes, schema } = command;
  const override = (recipe: Recipe, values: Values) =>
    checkedRecipe(command.override(recipe, values), schema, 'With these options it is no recipe.');
  const { values, typed } = asked;
  const named = await readRecipe(values.recipe, recipes, schema);
  const name = command.prefix + named.name;
  const how = howOf(command);
  if (!command.trains) return { values, recipe: override(named, values), out: values.out, how };
  if (!values.resume) {
    if (command.looks && values.out === undefined) return { values, recipe: override(named, values), how };
    const out = await newFolder(values.out, name);
    const whole = { ...how, ...(await commitsOf(how)) };
    return { values: { ...values, ...atCommits(whole) }, recipe: override(named, values), out, how: whole };
  }

  const out = await begunFolder(values.out, name);
  const begun = await readRecipe(recipeOf(out), recipes, schema).catch((error: Error) => {
    throw new UsageError(
      `${error.message}\nThe run in ${out} was begun with it. Put it back as it was, or begin a run with another --out.`,
    );
  });
  const begunHow = await readHow(out);
  const { begunAs = (recipe) => recipe } = command;
  const withCheckpoint = begunHow.checkpoint !== undefined;
  const wanted =
    typed.recipe === undefined
      ? override(begun, values)
      : begunAs(override(named, values), begun, withCheckpoint);
  const different = [
    ...optionDifferences(how, values, readBegun(read, begunHow, out)),
    ...configDifferences(begun, wanted, 'the run'),
  ];
  if (different.length > 0)
    throw new UsageError(
      `--resume continues the run in ${out} as it was begun, and this asks for another:\n  ` +
        `${different.join('\n  ')}\nLeave that out, or begin a run with another --out.`,
    );
  const saidAnew = COMPUTES.filter((group) => group.some((option) => option in how)).flat();
  const kept = Object.entries(begunHow).filter(([option]) => !saidAnew.includes(option));
  const whole = { ...Object.fromEntries(kept), ...how };
  const continued = { ...values, ...read({ ...given(typed), ...whole }), ...atCommits(whole) };
  return { values: continued, recipe: begun, out, how: whole };
}

/** The text that says which commit of the Hub an option stood for. */
const commitOption = (option: string) => `${option}-commit`;

async function commitsOf(how: OptionTexts): Promise<OptionTexts> {
  const commits: [string, string][] = [];
  for (const [option, text] of Object.entries(how))
    if (text !== undefined && isOnHub(text))
      commits.push([commitOption(option), await commitOnHub(text, option === 'data' ? 'dataset' : 'model')]);
  return Object.fromEntries(commits);
}

/** The options whose values are of the Hub, at the commits that are known. */
const atCommits = (how: OptionTexts) =>
  Object.fromEntries(
    Object.entries(how).flatMap(([option, text]) => {
      const commit = how[commitOption(option)];
      return text === undefined || commit === undefined ? [] : [[option, atCommit(text, commit)]];
    }),
  );

const given = (texts: OptionTexts) =>
  Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined)) as OptionTexts;

/** The options that were typed and are not in the recipe, as texts that mean the same wherever they are read again. */
function howOf<Values extends RunValues>({
  asked: { values, typed },
  overrides,
}: Pick<RunCommand<Values, unknown>, 'asked' | 'overrides'>): OptionTexts {
  const elsewhere = [...OWN, ...overrides];
  const own = Object.entries(given(typed)).filter(([option]) => !elsewhere.includes(option));
  return Object.fromEntries(
    own.map(([option, text]) => {
      const value = values[option];
      // Paths have become absolute.
      return [option, typeof value === 'string' ? value : text];
    }),
  );
}

/** What a run's folder says of it beside the recipe. */
async function readHow(out: string): Promise<OptionTexts> {
  const { run = {} } = JSON.parse(await readFile(recipeOf(out), 'utf8')) as { run?: object };
  return Object.fromEntries(
    Object.entries(run).flatMap(([option, text]) => (typeof text === 'string' ? [[option, text]] : [])),
  );
}

function readBegun<Values>(read: (texts: OptionTexts) => Values, how: OptionTexts, out: string): Values {
  try {
    return read(how);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`In 'run' of ${recipeOf(out)}: ${error.message}`);
  }
}

function optionDifferences(typed: OptionTexts, values: RunValues, begun: RunValues): string[] {
  const computes: readonly string[] = COMPUTES.flat();
  const shown = (value: unknown) =>
    value === undefined || value === false ? 'not given' : value === true ? 'given' : JSON.stringify(value);
  return Object.keys(typed).flatMap((option) => {
    const [was, is] = [shown(begun[option]), shown(values[option])];
    return computes.includes(option) || was === is ? [] : [`--${option}: ${was} in the run, ${is} now`];
  });
}
