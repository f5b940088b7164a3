import { isKind, type PickleMap, type PickleObject, type PickleValue } from './pickleValue';

/** Modules within modules; BEiT and DALL-E's tokenizer have at most six. */
const MAX_DEPTH = 64;
/** Modules and what they have; one that is in several places counts in each. BEiT-L has some 2,000. */
const MAX_PARTS = 2 ** 18;
const MAX_NAME_LENGTH = 1024;

/** Whether a value is a `torch.nn.Module` that was saved whole. */
export const isModule = (value: PickleValue | undefined): value is PickleObject =>
  isKind(value, 'object') &&
  ['_parameters', '_buffers', '_modules'].every((part) => value.attributes?.get(part) instanceof Map);

/**
 * What `state_dict()` of a module would give, from its attributes (torch/nn/modules/module.py, `state_dict`): parameters,
 * persistent buffers, and those of its modules, their names joined by dots.
 *
 * @throws Error when modules are nested too deep, in themselves for instance, or are too many
 */
export function moduleStateDict(module: PickleObject): PickleMap {
  const tensors: PickleMap = new Map();
  let count = 0;
  const charge = (parts: number) => {
    count += 1 + parts;
    if (count > MAX_PARTS) throw new Error(`the pickle has modules of more than ${MAX_PARTS} parts.`);
  };
  const put = (name: string, value: PickleValue) => {
    if (tensors.has(name)) throw new Error(`a module in the pickle has "${name}" twice.`);
    // A parameter that there might be, such as a bias.
    if (value !== null) tensors.set(name, value);
  };
  const visit = ({ attributes }: PickleObject, prefix: string, depth: number): void => {
    if (depth > MAX_DEPTH) throw new Error(`the pickle has modules nested more than ${MAX_DEPTH} deep.`);
    const named = (part: string): [string, PickleValue][] => {
      const value = attributes?.get(part);
      if (!(value instanceof Map)) return [];
      charge(value.size);
      return [...value].map(([key, item]) => {
        if (typeof key !== 'string' || prefix.length + key.length > MAX_NAME_LENGTH)
          throw new Error(`a module in the pickle has ${part} without names, or with very long ones.`);
        return [key, item];
      });
    };
    const listed = attributes?.get('_non_persistent_buffers_set');
    if (Array.isArray(listed)) charge(listed.length);
    const unsaved = new Set(Array.isArray(listed) ? listed : []);
    for (const [name, value] of named('_parameters')) put(prefix + name, value);
    for (const [name, value] of named('_buffers')) if (!unsaved.has(name)) put(prefix + name, value);
    for (const [name, value] of named('_modules'))
      if (isModule(value)) visit(value, `${prefix}${name}.`, depth + 1);
      else put(prefix + name, value);
  };
  visit(module, '', 0);
  return tensors;
}
