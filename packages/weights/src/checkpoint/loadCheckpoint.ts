import type { NamedTensors } from '@beit/tensors';
import { messageOf } from '@beit/tensors';
import { loadSafetensors } from '../loadSafetensors';
import { fromMmsegmentation, hasMmsegmentationNames } from '../names/mmsegmentation';
import { fromOfficial } from '../names/official';
import { setUnique } from '../names/setUnique';
import { fromTransformers } from '../names/transformers';
import { nodeModule } from '../nodeModule';
import { parseSafetensors } from '../parseSafetensors';
import { isLegacyTorch } from '../torch/legacyContents';
import { loadTorch } from '../torch/loadTorch';
import { parseTorch } from '../torch/parseTorch';
import { SIGNATURE_BYTES } from '../torch/torchReading';
import { isZip } from '../torch/zipContents';
import { readBytes, withFile } from '../withFile';
import { type Labels, labelsOf } from './labelsOf';
import { mmsegmentationConfigOf, mmsegmentationNormalization } from './mmsegmentationConfig';
import type { Normalization, Preprocessing } from './preprocessing';
import { isJsonObject, type JsonObject, parseJsonObject, readJson } from './readJson';
import { isTimmConfig, preprocessingOfTimm } from './timmConfig';
import { preprocessingOfTransformers } from './transformersProcessor';

/**
 * Whose names a checkpoint had: this project's own, with its configuration; the official ones (microsoft/unilm), which
 * timm shares and which are called timm's where timm's config.json is beside them; Hugging Face transformers' (4 or 5);
 * those of mmsegmentation's own BEiT.
 */
export type CheckpointFormat = 'beit' | 'official' | 'timm' | 'transformers' | 'mmsegmentation';

export interface Checkpoint {
  /** Under official names, float32 where the file has floating point; the record has no prototype. */
  readonly tensors: NamedTensors;
  readonly format: CheckpointFormat;
  /** Free text of a safetensors file; none of several files or of a `.pth` file. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * `beit`: the metadata's `config`; `transformers` and `timm`: config.json, if there is one. Of a file of mmsegmentation,
   * its text at `meta`, where that is plain data: `model`, `data_preprocessor`, ...
   */
  readonly config?: JsonObject;
  /** What is done to pictures, where preprocessor_config.json or timm's config.json says so. */
  readonly preprocessing?: Preprocessing;
  /** How pixels are normalized, where a file of mmsegmentation says so at `meta`; how pictures are framed, it does not say. */
  readonly normalization?: Normalization;
  /** The classes of pixels that a file of mmsegmentation names at `meta`, with their colours. */
  readonly labels?: Labels;
  /** What a `.pth` file has beside the state dict. */
  readonly dropped: readonly string[];
}

export interface LoadCheckpointOptions {
  /** The key of the state dict in a `.pth` file; see `TorchOptions`. */
  readonly key?: string;
}

/**
 * Reads a checkpoint (Node), whoever wrote it: a safetensors file, a `.pth`, `.pt` or `.bin` file of PyTorch, told apart
 * by their content; or a folder, Hugging Face's (`model.safetensors` or `pytorch_model.bin`, perhaps in shards after
 * their index, `config.json`, `preprocessor_config.json`) or a run of this project (`model.safetensors`). Errors name
 * the path.
 */
export async function loadCheckpoint(path: string, options: LoadCheckpointOptions = {}): Promise<Checkpoint> {
  const { stat } = nodeModule('node:fs/promises');
  const status = await stat(path).catch((cause) => {
    throw new Error(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  });
  if (!status.isDirectory()) return checkpointOf(path, await loadWeights(path, options));
  const files = await namesIn(path);
  const { join } = nodeModule('node:path');
  const json = async (name: string) => (files.has(name) ? await readJson(join(path, name)) : undefined);
  return checkpointOf(
    path,
    await loadFolderWeights(path, files, options),
    await json('config.json'),
    await json('preprocessor_config.json'),
  );
}

/**
 * The same of one file in memory, in a browser too.
 *
 * @param bytes of a safetensors file, or of one of PyTorch
 * @param name of the file, for errors
 */
export function parseCheckpoint(
  bytes: Uint8Array,
  name: string,
  options: LoadCheckpointOptions = {},
): Checkpoint {
  if (!isTorch(bytes) && !isSafetensors(bytes)) throw new Error(neither(name, bytes));
  let weights: Weights;
  try {
    weights = isTorch(bytes)
      ? { metadata: {}, ...parseTorch(bytes, options) }
      : { dropped: [], ...parseSafetensors(bytes) };
  } catch (cause) {
    throw new Error(`Cannot read ${name}: ${messageOf(cause)}`, { cause });
  }
  return checkpointOf(name, weights);
}

/** Tensors by the names that they have in a file, and what else it has. */
export interface Weights {
  readonly tensors: NamedTensors;
  readonly meta?: JsonObject;
  readonly metadata: Readonly<Record<string, string>>;
  readonly dropped: readonly string[];
}

export async function namesIn(folder: string): Promise<ReadonlySet<string>> {
  const { readdir } = nodeModule('node:fs/promises');
  return new Set(await readdir(folder));
}

/** The weights in one file, whose first bytes say what it is. */
export async function loadWeights(path: string, options: LoadCheckpointOptions = {}): Promise<Weights> {
  const signature = await withFile(path, (file, size) =>
    readBytes(file, 0, Math.min(size, Math.max(SIGNATURE_BYTES, SHOWN_BYTES))),
  );
  if (isTorch(signature)) return { metadata: {}, ...(await loadTorch(path, options)) };
  if (isSafetensors(signature)) return { dropped: [], ...(await loadSafetensors(path)) };
  throw new Error(neither(path, signature));
}

const isTorch = (bytes: Uint8Array): boolean => isZip(bytes) || isLegacyTorch(bytes);

/** The header, after its length in eight bytes, is a JSON object. */
const isSafetensors = (bytes: Uint8Array): boolean => bytes[8] === '{'.charCodeAt(0);

/** Of a text that lies where weights should. */
const SHOWN_BYTES = 40;

/** A server's page that was saved in place of a file, or a pointer of Git LFS, is text. @param bytes its first ones */
function neither(path: string, bytes: Uint8Array): string {
  const begin = String.fromCharCode(...bytes.subarray(0, SHOWN_BYTES));
  const isText = /^[\t\n\r\x20-\x7e]+$/.test(begin);
  const why = isText
    ? `: it is a text, ${JSON.stringify(begin)} ..., as a server answers, or Git LFS leaves, instead of a file. Fetch it again`
    : bytes.length === 0
      ? ': it is empty'
      : '';
  return `Cannot read ${path}: neither a safetensors file nor one of torch.save${why}.`;
}

const WHOLE = ['model.safetensors', 'pytorch_model.bin'];
const INDEX_SUFFIX = '.index.json';

/** Those of a folder of Hugging Face, whole or in shards. @param files that it has */
export async function loadFolderWeights(
  folder: string,
  files: ReadonlySet<string>,
  options: LoadCheckpointOptions = {},
): Promise<Weights> {
  const { join } = nodeModule('node:path');
  for (const name of WHOLE) {
    if (files.has(name)) return loadWeights(join(folder, name), options);
    if (files.has(name + INDEX_SUFFIX)) return loadShards(folder, name + INDEX_SUFFIX);
  }
  throw new Error(`Cannot read ${folder}: it has neither ${WHOLE.join(' nor ')}, whole or in shards.`);
}

async function loadShards(folder: string, index: string): Promise<Weights> {
  const { join } = nodeModule('node:path');
  const path = join(folder, index);
  const { weight_map: map } = await readJson(path);
  if (!isJsonObject(map)) throw new Error(`Cannot read ${path}: it has no "weight_map".`);
  const shards = new Map<string, string[]>();
  for (const [tensor, file] of Object.entries(map)) {
    // A plain name, so that nothing outside of the folder is read.
    if (typeof file !== 'string' || !/^\w[\w.-]*$/.test(file))
      throw new Error(
        `Cannot read ${path}: ${JSON.stringify(file)} is not the name of a file in its folder.`,
      );
    shards.set(file, [...(shards.get(file) ?? []), tensor]);
  }
  const tensors: NamedTensors = Object.create(null);
  for (const [file, names] of shards) {
    const shard = await loadWeights(join(folder, file), {});
    for (const name of names) {
      const tensor = shard.tensors[name];
      if (tensor === undefined) throw new Error(`Cannot read ${join(folder, file)}: "${name}" is not in it.`);
      setUnique(tensors, name, tensor);
    }
  }
  return { tensors, metadata: {}, dropped: [] };
}

function checkpointOf(
  path: string,
  { tensors, metadata, dropped, meta = {} }: Weights,
  configFile?: JsonObject,
  preprocessor?: JsonObject,
): Checkpoint {
  try {
    const isTimm = configFile !== undefined && isTimmConfig(configFile);
    const metaConfig = mmsegmentationConfigOf(meta);
    const labels = labelsOf(meta);
    const preprocessing = isTimm
      ? preprocessingOfTimm(configFile)
      : preprocessor && preprocessingOfTransformers(preprocessor, configFile?.num_channels === 1 ? 1 : 3);
    const normalization = metaConfig && mmsegmentationNormalization(metaConfig);
    const common = {
      metadata,
      dropped,
      ...(preprocessing && { preprocessing }),
      ...(normalization && { normalization }),
      ...(labels && { labels }),
    };
    const config = configFile ?? metaConfig;
    const file = config ? { config } : {};
    if (hasTransformersNames(tensors))
      return { ...common, ...file, tensors: fromTransformers(tensors), format: 'transformers' };
    if (hasMmsegmentationNames(tensors))
      return { ...common, ...file, tensors: fromMmsegmentation(tensors), format: 'mmsegmentation' };
    const official = fromOfficial(tensors);
    if (!('patch_embed.proj.weight' in official) && !('cls_token' in official)) {
      const names = Object.keys(tensors).slice(0, 3);
      throw new Error(`it is no BEiT: its tensors are ${names.join(', ')} ...`);
    }
    if (metadata.config !== undefined) {
      const config = parseJsonObject(metadata.config, 'The metadata "config"');
      return { ...common, tensors: official, format: 'beit', config };
    }
    return { ...common, ...file, tensors: official, format: isTimm ? 'timm' : 'official' };
  } catch (cause) {
    throw new Error(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** Every BEiT of transformers has embeddings, whichever its version and its head. */
function hasTransformersNames(tensors: NamedTensors): boolean {
  return Object.keys(tensors).some((name) => /^(?:beit\.)?embeddings\./.test(name));
}
