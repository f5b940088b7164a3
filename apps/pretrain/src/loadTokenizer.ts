import { localModel } from '@beit/cli';
import { createDvae, type DvaeConfig } from '@beit/dvae';
import type { NamedTensors } from '@beit/tensors';
import { loadTokenizer as loadParts } from '@beit/weights';

/** Whether there is what turns tokens into pictures; pre-training itself needs none. */
export const hasDecoder = (tokenizer: NamedTensors): boolean =>
  Object.keys(tokenizer).some((name) => name.startsWith('decoder.'));

/**
 * A tokenizer from a file, a folder or the Hub, whoever wrote it; without a decoder where that has none.
 *
 * @throws when it does not hold a dVAE of this configuration: every difference is listed
 */
export async function loadTokenizer(path: string, config: DvaeConfig): Promise<NamedTensors> {
  const tensors = await loadParts(await localModel(path));
  const all = Object.entries(createDvae(config).parameterShapes());
  const expected = hasDecoder(tensors) ? all : all.filter(([name]) => name.startsWith('encoder.'));
  const wrong = expected.flatMap(([name, shape]) => {
    const tensor = tensors[name];
    if (!tensor) return [`${name} is missing`];
    return tensor.shape.join() === shape.join() ? [] : [`${name} is [${tensor.shape}], expected [${shape}]`];
  });
  const names = new Set(expected.map(([name]) => name));
  const extra = Object.keys(tensors).filter((name) => !names.has(name));
  const problems = [...wrong, ...extra.map((name) => `${name} is not part of it`)];
  if (problems.length > 0) {
    const shown = problems.slice(0, 8).join('\n  ');
    throw new Error(
      `'${path}' does not fit the recipe's tokenizer:\n  ${shown}${problems.length > 8 ? `\n  and ${problems.length - 8} more` : ''}`,
    );
  }
  return Object.fromEntries(expected.map(([name]) => [name, tensors[name]!]));
}
