import * as tf from '@tensorflow/tfjs';
import { once } from '../once';

interface Frame {
  /** The script as it was loaded, whatever a source map makes of it; '' for native code. */
  readonly file: string;
  /** As the stack shows it. */
  readonly text: string;
}

/** Whose stack is that deep when the caller's own function begins. */
let entered: number | undefined;

/** Calls a function of the program that is traced: what `callSite` finds is in it or in what it calls. */
export function callProgram<A extends readonly unknown[], R>(f: (...args: A) => R, ...args: A): R {
  const outer = entered;
  entered = stack().length;
  try {
    return f(...args);
  } finally {
    entered = outer;
  }
}

/**
 * The innermost line of the traced program on the stack: not this package's, not TensorFlow.js's, not Node's. Where a
 * bundler has put them all into one file they can't be told apart, and it is the line of the function given to
 * `callProgram`.
 *
 * @returns ` Called at f (file:line:column).`, or '' where the stack does not say
 */
export function callSite(): string {
  const frames = stack();
  const program = entered === undefined ? frames : frames.slice(0, frames.length - entered);
  const outermost = program.at(-1);
  const bundled = entered !== undefined && outermost !== undefined && isLibrary(outermost.file);
  const site = bundled ? outermost : program.find(({ file }) => file !== '' && !isLibrary(file));
  return site ? ` Called ${site.text.startsWith('at ') ? '' : 'at '}${site.text}.` : '';
}

/** The stack of the function that asks, innermost first, to any depth. */
function stack(): Frame[] {
  const { stackTraceLimit, prepareStackTrace } = Error;
  let lines: string[] = [];
  let files: (string | null)[] | undefined;
  try {
    // TensorFlow.js's layers and gradients alone are deeper than the 10 frames that engines keep.
    Error.stackTraceLimit = Number.POSITIVE_INFINITY;
    lines = linesOf(new Error().stack);
    Error.prepareStackTrace = (_, sites) => sites.map((site) => site.getFileName() ?? null);
    const prepared: unknown = new Error().stack;
    if (Array.isArray(prepared) && prepared.length === lines.length) files = prepared;
  } catch {
    // Where `Error` is frozen the stack is as deep as it is.
  } finally {
    try {
      Object.assign(Error, { stackTraceLimit, prepareStackTrace });
    } catch {}
  }
  // The first frame is this function.
  return lines.map((text, i) => ({ file: slashed(files ? (files[i] ?? '') : fileIn(text)), text })).slice(1);
}

/** Frames as V8 shows them (`    at f (file:line:column)`), or Firefox and Safari (`f@file:line:column`). */
const linesOf = (stack = ''): string[] => {
  const lines = stack.split('\n').map((line) => line.trim());
  const frames = lines.filter((line) => line.startsWith('at '));
  return frames.length > 0 ? frames : lines.filter((line) => /:\d+:\d+$/.test(line));
};

const fileIn = (line: string): string => /(?:\(|@|^at |^)([^()@]*?):\d+:\d+\)?$/.exec(line)?.[1] ?? '';

const slashed = (file: string): string => file.replaceAll('\\', '/').replace(/^file:\/\//, '');

const isLibrary = (file: string): boolean =>
  isOwn(file) ||
  file.startsWith('node:') ||
  /[/]node_modules[/]@tensorflow[/]/.test(file) ||
  tensorflowFiles().has(file);

/** This file's path from the folder of the sources. */
const PATH_IN_SOURCES = 'record/callSite.ts';

/** Run from its sources the package is a folder; built, all that runs inside a trace is in one file. */
function isOwn(file: string): boolean {
  const here = thisFile();
  return here.endsWith(`/${PATH_IN_SOURCES}`)
    ? file.startsWith(here.slice(0, -PATH_IN_SOURCES.length))
    : file === here;
}

const thisFile = once(() => stack()[0]?.file ?? '');

/** Where TensorFlow.js is when it is in no folder of that name: the files between a call of it and its call back. */
const tensorflowFiles = once(() => {
  const outside = stack().length;
  const files = new Set<string>();
  tf.tidy(() => {
    const inside = stack();
    for (const { file } of inside.slice(1, inside.length - outside)) if (file !== '') files.add(file);
  });
  return files;
});
