import { createDvae, type DvaeConfig } from '@beit/dvae';
import type { NamedTensors } from '@beit/tensors';
import { fromFlava, loadSafetensors, withPrefix } from '@beit/weights';

/** Parameters by our names, whatever the file's: ours, DALL-E's encoder alone, FLAVA's codebook. */
function ownNames(tensors: NamedTensors): NamedTensors {
  const names = Object.keys(tensors);
  if (names.some((name) => name.startsWith('encoder.'))) return tensors;
  if (names.some((name) => name.includes('.group.') || name.includes('res_path.path')))
    return withPrefix(fromFlava(tensors), 'encoder.');
  return withPrefix(tensors, 'encoder.');
}

/**
 * A tokenizer from a safetensors file.
 *
 * @throws when the file does not hold a dVAE of this configuration, decoder included: every difference is listed
 */
export async function loadTokenizer(path: string, config: DvaeConfig): Promise<NamedTensors> {
  const tensors = ownNames((await loadSafetensors(path)).tensors);
  const expected = createDvae(config).parameterShapes();
  const wrong = Object.entries(expected).flatMap(([name, shape]) => {
    const tensor = tensors[name];
    if (!tensor) return [`${name} is missing`];
    return tensor.shape.join() === shape.join() ? [] : [`${name} is [${tensor.shape}], expected [${shape}]`];
  });
  const extra = Object.keys(tensors).filter((name) => !(name in expected));
  const problems = [...wrong, ...extra.map((name) => `${name} is not part of it`)];
  if (problems.length > 0) {
    const shown = problems.slice(0, 8).join('\n  ');
    throw new Error(
      `'${path}' does not fit the recipe's tokenizer:\n  ${shown}${problems.length > 8 ? `\n  and ${problems.length - 8} more` : ''}`,
    );
  }
  return Object.fromEntries(Object.keys(expected).map((name) => [name, tensors[name]!]));
}
