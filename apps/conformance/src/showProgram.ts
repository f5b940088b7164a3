import { mapInputs, type Program, type Ref, type TensorData } from './program';

const MOST_NUMBERS = 12;

/** A tensor's dtype, shape and first numbers. */
function showTensor({ dtype, shape, data }: TensorData): string {
  const numbers = Array.from(data.slice(0, MOST_NUMBERS) as ArrayLike<unknown>, String).join(' ');
  return `${dtype} [${shape}] ${numbers}${data.length > MOST_NUMBERS ? ' ...' : ''}`;
}

/** A program in lines: what goes in, each call, what was read. */
export function showProgram({ leaves, calls, reads }: Program): string {
  const name = (ref: Ref) =>
    'leaf' in ref ? `x${ref.leaf}` : `k${ref.node}${ref.output > 0 ? `.${ref.output}` : ''}`;
  return [
    ...leaves.map((leaf, i) => `x${i} = ${showTensor(leaf)}`),
    ...calls.map(({ kernel, inputs, attrs }, i) => {
      const given = Object.entries(mapInputs(inputs, name)).map(([key, names]) =>
        Array.isArray(inputs) ? names : `${key}: ${names}`,
      );
      const fixed = Object.entries(attrs).filter(([, value]) => value !== undefined);
      const text = JSON.stringify(Object.fromEntries(fixed), (_, value) =>
        typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
      );
      return `k${i} = ${kernel}(${given.join(', ')})${fixed.length > 0 ? ` ${text}` : ''}`;
    }),
    ...reads.map((read) => `${name(read.ref)}: ${showTensor(read)}`),
  ].join('\n');
}
