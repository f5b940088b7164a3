import { setUnique } from './setUnique';

/** The entries whose name starts with `prefix`, without it: `withoutPrefix(file, 'param.')`. */
export function withoutPrefix<T>(tensors: Readonly<Record<string, T>>, prefix: string): Record<string, T> {
  const out: Record<string, T> = Object.create(null);
  for (const [name, tensor] of Object.entries(tensors)) {
    if (name.startsWith(prefix)) setUnique(out, name.slice(prefix.length), tensor);
  }
  return out;
}

/** All entries with `prefix` before their name: `{ ...withPrefix(encoder, 'encoder.'), ...withPrefix(decoder, 'decoder.') }`. */
export function withPrefix<T>(tensors: Readonly<Record<string, T>>, prefix: string): Record<string, T> {
  const out: Record<string, T> = Object.create(null);
  for (const [name, tensor] of Object.entries(tensors)) setUnique(out, prefix + name, tensor);
  return out;
}
