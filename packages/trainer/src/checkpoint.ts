import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  flattenTensors,
  type HostTensor,
  makeFolder,
  messageOf,
  type NamedTensors,
  type Tree,
  unflattenTree,
} from '@beit/tensors';
import { loadSafetensors, saveSafetensors } from '@beit/weights';
import type { Json } from './config';
import { EMPTY_WINDOW, type MetricWindow } from './window';

/** The best evaluation so far. */
export interface Best {
  readonly step: number;
  readonly value: number;
}

/** All that a run needs to continue as if it had never stopped. */
export interface Checkpoint {
  /** Completed steps. */
  readonly step: number;
  /** Name of the stage: `tokenizer`. */
  readonly name: string;
  readonly config: Json;
  /** Versions of programs, by name; for the record. */
  readonly versions: Readonly<Record<string, string>>;
  readonly state: Tree<HostTensor>;
  readonly window: MetricWindow;
  readonly best?: Best;
}

const FORMAT = 'beit-checkpoint-2';
const FILE_NAME = /^step-(\d{8,15})\.safetensors$/;
const TEMPORARY_NAME =
  /^(step-\d+\.safetensors|config\.json|metrics\.jsonl|post-mortem-step-\d+\.json)\.\d+-[a-z0-9]+\.tmp$/;

const checkpointFolder = (runDir: string) => join(runDir, 'checkpoints');

export function checkpointPath(runDir: string, step: number): string {
  return join(checkpointFolder(runDir), `step-${String(step).padStart(8, '0')}.safetensors`);
}

/**
 * Writes `checkpoints/step-00001234.safetensors`, atomically: a crash leaves the files that were there. Tensors are
 * named by their path in the state (`params/head.weight`), the rest is metadata: `format`, `step`, `name`, `config`,
 * `versions`, `window`, `best` (JSON) and `checksum`, a CRC-32 of all of that and of the tensors.
 */
export async function saveCheckpoint(runDir: string, checkpoint: Checkpoint): Promise<string> {
  const { step, name, config, versions, state, window, best } = checkpoint;
  const path = checkpointPath(runDir, step);
  const tensors = flattenTensors(state);
  await makeFolder(checkpointFolder(runDir));
  const metadata = {
    format: FORMAT,
    step: String(step),
    name,
    config: JSON.stringify(config),
    versions: JSON.stringify(versions),
    window: JSON.stringify(window),
    ...(best && { best: JSON.stringify(best) }),
  };
  await saveSafetensors(path, tensors, { ...metadata, checksum: checksumOf(tensors, metadata) });
  return path;
}

/** Reads and checks a checkpoint. Error: not a checkpoint, damaged, or changed since it was written. */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = await loadSafetensors(path);
  try {
    if (metadata.format !== FORMAT) throw new Error(`format is ${metadata.format}; expected ${FORMAT}.`);
    const { checksum, ...described } = metadata;
    if (checksum !== checksumOf(tensors, described))
      throw new Error('the checksum does not match: the file is damaged.');
    return {
      step: parseStep(metadata.step),
      name: metadata.name ?? '',
      config: parseJson('config', metadata.config) as Json,
      versions: parseJson('versions', metadata.versions) as Record<string, string>,
      state: unflattenTree(Object.entries(tensors)),
      window: parseWindow(metadata.window),
      ...(metadata.best !== undefined && { best: parseBest(metadata.best) }),
    };
  } catch (cause) {
    throw new Error(`${path} is not a usable checkpoint: ${messageOf(cause)}`, { cause });
  }
}

/** Steps of the checkpoint files there are, oldest first; none where there is no folder. */
export async function checkpointSteps(runDir: string): Promise<number[]> {
  const names = await readdir(checkpointFolder(runDir)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new Error(`Cannot list ${checkpointFolder(runDir)}: ${messageOf(error)}`, { cause: error });
  });
  return names.flatMap((name) => Number(FILE_NAME.exec(name)?.[1] ?? [])).sort((a, b) => a - b);
}

/**
 * The newest checkpoint that can be read; undefined where there is none. Damaged ones are skipped with a warning that names
 * the file and the reason.
 *
 * @throws when there are checkpoints and none can be used: to begin anew would throw away what the run has done
 */
export async function latestCheckpoint(
  runDir: string,
  warn: (message: string) => void,
): Promise<{ path: string; checkpoint: Checkpoint } | undefined> {
  const steps = await checkpointSteps(runDir);
  for (const step of steps.toReversed()) {
    const path = checkpointPath(runDir, step);
    try {
      const checkpoint = await loadCheckpoint(path);
      if (checkpoint.step !== step) throw new Error(`${path} holds step ${checkpoint.step}.`);
      return { path, checkpoint };
    } catch (error) {
      warn(`Skipped a checkpoint that cannot be used. ${messageOf(error)}`);
    }
  }
  if (steps.length === 0) return undefined;
  throw new Error(
    `No checkpoint in ${checkpointFolder(runDir)} can be used. Remove them to begin anew, or choose another folder.`,
  );
}

/**
 * Removes checkpoints of up to `step`, but for the newest `keep` of them and that of step `best`. Later files stay:
 * they belong to another run or were skipped as damaged, and must not push out good ones.
 */
export async function pruneCheckpoints(
  runDir: string,
  step: number,
  keep: number,
  best?: number,
): Promise<void> {
  const past = (await checkpointSteps(runDir)).filter((other) => other <= step);
  for (const old of past.slice(0, Math.max(0, past.length - keep))) {
    if (old !== best) await rm(checkpointPath(runDir, old), { force: true });
  }
}

/** Removes what a crash left half-written. */
export async function removeTemporaryFiles(runDir: string): Promise<void> {
  for (const folder of [runDir, checkpointFolder(runDir)]) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names) {
      if (TEMPORARY_NAME.test(name)) await rm(join(folder, name), { force: true });
    }
  }
}

/** Of every number, name, shape and word. */
export function checksumOf(tensors: NamedTensors, metadata: Readonly<Record<string, string>>): string {
  const sorted = <T>(entries: Readonly<Record<string, T>>) =>
    Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1));
  const heads = sorted(tensors).map(([name, { dtype, shape }]) => [name, dtype, shape]);
  let value = crc32(JSON.stringify([sorted(metadata), heads]));
  for (const [, { data }] of sorted(tensors))
    value = crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), value);
  return value.toString(16).padStart(8, '0');
}

function parseStep(text: string | undefined): number {
  const step = /^\d{1,15}$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(step)) throw new Error(`its step is ${text}; expected a whole number.`);
  return step;
}

function parseJson(key: string, text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch (cause) {
    throw new Error(`its ${key} is not JSON.`, { cause });
  }
}

function parseWindow(text: string | undefined): MetricWindow {
  const { steps, sums, counts } = Object(parseJson('window', text)) as Partial<MetricWindow>;
  if (!Number.isSafeInteger(steps) || steps! < 0 || typeof sums !== 'object' || sums === null) {
    throw new Error('its window of metrics is malformed.');
  }
  const isCount = (count: unknown) => Number.isSafeInteger(count) && (count as number) > 0;
  if (counts !== undefined && !(counts !== null && Object.values(counts).every(isCount)))
    throw new Error('its window of metrics is malformed.');
  // JSON writes NaN as null.
  const numbers = Object.entries(sums).map(([name, sum]) => [
    name,
    typeof sum === 'number' ? sum : Number.NaN,
  ]);
  return steps === 0
    ? EMPTY_WINDOW
    : { steps: steps!, sums: Object.fromEntries(numbers), ...(counts && { counts }) };
}

function parseBest(text: string): Best {
  const { step, value } = Object(parseJson('best', text)) as Partial<Best>;
  if (!Number.isSafeInteger(step) || typeof value !== 'number')
    throw new Error('its best evaluation is malformed.');
  return { step: step!, value };
}
