import type { NamedTensors } from '@beit/tensors';
import { messageOf } from '@beit/tensors';
import { fromFlava } from '../names/flava';
import { withPrefix } from '../names/prefix';
import { nodeModule } from '../nodeModule';
import { loadFolderWeights, loadWeights, namesIn } from './loadCheckpoint';

/** OpenAI's are `encoder.pkl` and `decoder.pkl`. */
const ENDINGS = ['pkl', 'pt', 'pth', 'safetensors'];

/**
 * The parameters of a tokenizer of DALL-E's kind (Node), behind `encoder.` and `decoder.`; of the encoder alone, where there
 * is no decoder. A file is safetensors or one of torch.save, a module that was saved whole too, with this project's names,
 * DALL-E's or FLAVA's. A folder is a run of this project (`tokenizer.safetensors`), has `encoder.pkl` and perhaps
 * `decoder.pkl` as OpenAI's does (or `.pt`, `.pth`, `.safetensors`), or is Hugging Face's (`facebook/flava-image-codebook`).
 *
 * @throws Error when it cannot be read, or is no encoder, with its path
 */
export async function loadTokenizer(path: string): Promise<NamedTensors> {
  const { stat } = nodeModule('node:fs/promises');
  const { join } = nodeModule('node:path');
  const status = await stat(path).catch((cause) => {
    throw new Error(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  });
  if (!status.isDirectory()) return withEncoder(path, partsOf(path, (await loadWeights(path)).tensors));
  const files = await namesIn(path);
  if (files.has('tokenizer.safetensors')) return loadTokenizer(join(path, 'tokenizer.safetensors'));
  const ending = ENDINGS.find((one) => files.has(`encoder.${one}`));
  if (ending === undefined)
    return withEncoder(path, partsOf(path, (await loadFolderWeights(path, files)).tensors));
  const part = async (name: 'encoder' | 'decoder') => {
    const file = join(path, `${name}.${ending}`);
    const tensors = partsOf(file, (await loadWeights(file)).tensors);
    const other = Object.keys(tensors).find((tensor) => !tensor.startsWith(`${name}.`));
    if (other !== undefined) throw new Error(`${file} is no ${name}: it has "${other}".`);
    return tensors;
  };
  const encoder = await part('encoder');
  return files.has(`decoder.${ending}`) ? { ...encoder, ...(await part('decoder')) } : encoder;
}

function partsOf(path: string, tensors: NamedTensors): NamedTensors {
  try {
    const names = Object.keys(tensors);
    if (names.some((name) => name.startsWith('encoder.'))) return tensors;
    if (names.some((name) => name.includes('.group.') || name.includes('res_path.path')))
      return withPrefix(fromFlava(tensors), 'encoder.');
    const [, , side] = tensors['blocks.input.w']?.shape ?? [];
    if (side === undefined) {
      const shown = names.slice(0, 3).join(', ');
      throw new Error(`it is no tokenizer: its tensors are ${shown} ..., and "blocks.input.w" is missing.`);
    }
    // Both have the same names; the decoder begins with the code book, the encoder with patches of pixels.
    return withPrefix(tensors, side === 1 ? 'decoder.' : 'encoder.');
  } catch (cause) {
    throw new Error(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

function withEncoder(path: string, tensors: NamedTensors): NamedTensors {
  if (Object.keys(tensors).some((name) => name.startsWith('encoder.'))) return tensors;
  throw new Error(`${path} is a decoder alone; expected the encoder, or a folder with both.`);
}
