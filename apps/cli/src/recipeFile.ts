import { basename, resolve } from 'node:path';
import type { z } from 'zod';
import { typedIn, UsageError } from './commandLine';
import { readText } from './readText';

const MOST_BYTES = 2 ** 20;
const MOST_PROBLEMS = 8;

type JsonObject = Readonly<Record<string, unknown>>;
const isObject = (x: unknown): x is JsonObject => typeof x === 'object' && x !== null && !Array.isArray(x);

/**
 * `base` with what `patch` says otherwise: JSON Merge Patch (RFC 7396), so objects are merged, all else is replaced, and
 * null takes a key away. An object of another `kind` than that of the base replaces it: the kinds have other keys.
 * Keys that the base does not have are taken as they are; it is the schema that knows them.
 */
export function overlay(base: unknown, patch: unknown): unknown {
  if (!isObject(base) || !isObject(patch)) return patch;
  if (Object.hasOwn(patch, 'kind') && patch.kind !== base.kind) return patch;
  const kept = Object.entries(base).filter(([key]) => !(Object.hasOwn(patch, key) && patch[key] === null));
  const changed = Object.entries(patch)
    .filter(([key, value]) => !(Object.hasOwn(base, key) && value === null))
    .map(([key, value]) => [key, Object.hasOwn(base, key) ? overlay(base[key], value) : value] as const);
  return Object.fromEntries([...kept, ...changed]);
}

/**
 * A recipe by its name, or from a JSON file (the path ends with `.json`). A file with `extends` is a recipe of that name
 * with what else the file says, called like the file where it says no `name`; one without is a whole recipe, such as the
 * `recipe.json` of a run, whose `run` (how and on what it was run) is no part of the recipe.
 *
 * @param recipes those that have names
 * @param schema what a recipe is
 * @throws UsageError that names each key that is wrong, its value and what was expected
 */
export async function readRecipe<T extends { readonly name: string }>(
  nameOrPath: string,
  recipes: readonly T[],
  schema: z.ZodType<T>,
): Promise<T> {
  const named = (name: unknown) => recipes.find((recipe) => recipe.name === name);
  const names = recipes.map(({ name }) => name).join(', ');
  if (!nameOrPath.endsWith('.json')) {
    const recipe = named(nameOrPath);
    if (recipe) return recipe;
    throw new UsageError(
      `There is no recipe '${nameOrPath}'. Recipes: ${names}, or the path of a .json file.`,
    );
  }
  const { extends: baseName, run: _, ...own } = await readJson(resolve(typedIn(), nameOrPath));
  const base = named(baseName);
  if (baseName !== undefined && !base) {
    throw new UsageError(
      `${nameOrPath}: extends is ${shown(baseName)}; expected the name of a recipe: ${names}.`,
    );
  }
  // There is no evidence for numbers of one's own.
  const unproven = base && 'evidence' in base && { evidence: 'none' };
  const recipe = base ? overlay({ ...base, name: basename(nameOrPath, '.json'), ...unproven }, own) : own;
  const whole = base
    ? ''
    : ` It has no "extends", so it must be whole; to change a recipe: "extends": "${recipes[0]?.name}".`;
  return checkedRecipe(recipe, schema, `${nameOrPath} is no recipe.${whole}`);
}

/** @throws UsageError that begins with `refusal` and names each key that is wrong, its value and what was expected */
export function checkedRecipe<T>(recipe: unknown, schema: z.ZodType<T>, refusal: string): T {
  const result = schema.safeParse(recipe);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, recipe));
  const more = problems.length > MOST_PROBLEMS ? [`and ${problems.length - MOST_PROBLEMS} more`] : [];
  throw new UsageError(`${refusal}\n  ${[...problems.slice(0, MOST_PROBLEMS), ...more].join('\n  ')}`);
}

async function readJson(path: string): Promise<JsonObject> {
  const json = parseJson(await readText(path, MOST_BYTES), path);
  if (!isObject(json)) throw new UsageError(`'${path}' holds ${shown(json)}; expected a JSON object.`);
  return json;
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`'${path}' is no JSON: ${(error as Error).message}`);
  }
}

function problemsOf(issue: z.core.$ZodIssue, recipe: unknown): string[] {
  const name = (path: readonly PropertyKey[]) => path.map(String).join('.');
  const path = name(issue.path) || 'the recipe';
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${name([...issue.path, key])} is not known; ${issue.message}.`);
  }
  const value = issue.path.reduce<unknown>(
    (inside, key) => (inside as Record<PropertyKey, unknown> | undefined)?.[key],
    recipe,
  );
  // What a constructor says has its own names and values.
  if (issue.code === 'custom' && isObject(value)) return [`${path}: ${issue.message}`];
  return [`${path} is ${value === undefined ? 'missing' : shown(value)}; ${issue.message}.`];
}

function shown(value: unknown): string {
  const json = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}
